package kiosk

import (
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"strings"

	"github.com/penjire/penjire/sync/durable"
)

// Small facts that outlast a restart, each in a file of one line with a checksum:
//
//	penjire-KIND/1 VALUE CRC32C
//
// A medium that damages one does not change what it says: it says nothing then.

var errKept = errors.New("it is damaged, or of another kind")

// readKept returns the value of the fact in a file. One that is not there is
// os.ErrNotExist, one that cannot be read errKept.
func readKept(path, kind string) (string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("kiosk: read %s: %w", path, err)
	}
	line, whole := strings.CutSuffix(string(b), "\n")
	body, sum, _ := strings.Cut(strings.TrimPrefix(line, keptHead(kind)), " ")
	if !whole || !strings.HasPrefix(line, keptHead(kind)) || sum != keptSum(kind, body) {
		return "", fmt.Errorf("kiosk: read %s: %w", path, errKept)
	}
	return body, nil
}

// writeKept makes a fact durable. value has no spaces.
func writeKept(path, kind, value string) error {
	if err := durable.WriteFile(path, []byte(keptHead(kind)+value+" "+keptSum(kind, value)+"\n"), 0o600); err != nil {
		return fmt.Errorf("kiosk: %w", err)
	}
	return nil
}

func keptHead(kind string) string { return "penjire-" + kind + "/1 " }

func keptSum(kind, value string) string {
	return fmt.Sprintf("%08x", crc32.Checksum([]byte(keptHead(kind)+value), crc32.MakeTable(crc32.Castagnoli)))
}
