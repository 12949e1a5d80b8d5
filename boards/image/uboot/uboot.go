// Package uboot writes what U-Boot reads: a script, and its environment.
//
// # Reference
//
// U-Boot, doc/usage/cmd/source.rst, include/image.h (legacy image) and
// env/common.c (environment without a redundant copy).
package uboot

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"maps"
	"slices"
	"time"
)

// EnvSize is the size of the environment that Debian's U-Boot for the Raspberry Pi
// has in the file uboot.env.
const EnvSize = 0x4000

// Script returns text as an image that the command «source» runs.
func Script(name, text string, at time.Time) []byte {
	// One component; its length is followed by a zero that ends the list.
	body := binary.BigEndian.AppendUint32(nil, uint32(len(text)))
	body = append(binary.BigEndian.AppendUint32(body, 0), text...)
	h := make([]byte, 64)
	binary.BigEndian.PutUint32(h[0:], 0x27051956) // magic
	binary.BigEndian.PutUint32(h[8:], uint32(at.Unix()))
	binary.BigEndian.PutUint32(h[12:], uint32(len(body)))
	binary.BigEndian.PutUint32(h[24:], crc32.ChecksumIEEE(body))
	h[28], h[29], h[30], h[31] = 5, 22, 6, 0 // Linux, arm64, script, not compressed
	copy(h[32:63], name)
	binary.BigEndian.PutUint32(h[4:], crc32.ChecksumIEEE(h)) // of the header with zeros here
	return append(h, body...)
}

// Env returns an environment with these variables.
func Env(vars map[string]string) ([]byte, error) {
	var b bytes.Buffer
	for _, k := range slices.Sorted(maps.Keys(vars)) {
		fmt.Fprintf(&b, "%s=%s\x00", k, vars[k])
	}
	if b.Len()+5 > EnvSize {
		return nil, fmt.Errorf("uboot: environment: %d bytes, room for %d", b.Len(), EnvSize-5)
	}
	out := make([]byte, EnvSize) // zeros end the list
	copy(out[4:], b.Bytes())
	binary.LittleEndian.PutUint32(out, crc32.ChecksumIEEE(out[4:]))
	return out, nil
}
