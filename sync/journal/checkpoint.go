package journal

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// EmptyRoot is the root of the tree without entries: SHA-256 of nothing.
var EmptyRoot = Hash(sha256.Sum256(nil))

// ErrCheckpoint is wrapped by every error about a checkpoint's form.
var ErrCheckpoint = errors.New("not a checkpoint")

// MaxOrigin is the most bytes an origin has.
const MaxOrigin = 128

// Checkpoint is the head of a journal: whose it is, how many entries it has
// and their root. The origin of a kiosk's journal is "<kiosk>/<epoch in hex>":
// a new epoch is a new tree.
type Checkpoint struct {
	Origin  string
	Size    int64
	Root    Hash
	Counter uint64 // of the hardware that counts heads (Counter); 0: there is none
}

// Marshal returns the lines of C2SP tlog-checkpoint, without signatures: origin,
// size, root and, where there is a counter, the extension line "counter N".
func (c Checkpoint) Marshal() ([]byte, error) {
	if err := c.valid(); err != nil {
		return nil, err
	}
	b := fmt.Appendf(nil, "%s\n%d\n%s\n", c.Origin, c.Size, base64.StdEncoding.EncodeToString(c.Root[:]))
	if c.Counter != 0 {
		b = fmt.Appendf(b, "%s%d\n", counterLine, c.Counter)
	}
	return b, nil
}

const counterLine = "counter "

func (c Checkpoint) valid() error {
	if c.Origin == "" || !printable(c.Origin, MaxOrigin) || strings.ContainsAny(c.Origin, " +") {
		return fmt.Errorf("journal: checkpoint: origin is not 1 to %d bytes of printable ASCII without space and plus: %w", MaxOrigin, ErrCheckpoint)
	}
	if c.Size < 0 {
		return fmt.Errorf("journal: checkpoint of %d entries: %w", c.Size, ErrCheckpoint)
	}
	if c.Size == 0 && c.Root != EmptyRoot {
		return fmt.Errorf("journal: checkpoint of no entries with the root of some: %w", ErrCheckpoint)
	}
	return nil
}

// ParseCheckpoint reads exactly what Marshal writes. Other extension lines,
// which the C2SP format allows, are refused: what is not understood must not be
// signed for.
func ParseCheckpoint(b []byte) (Checkpoint, error) {
	lines := strings.Split(string(b), "\n")
	if len(lines) < 4 || len(lines) > 5 || lines[len(lines)-1] != "" {
		return Checkpoint{}, fmt.Errorf("journal: parse a checkpoint: not three lines, or four: %w", ErrCheckpoint)
	}
	c := Checkpoint{Origin: lines[0]}
	var err error
	if c.Size, err = strconv.ParseInt(lines[1], 10, 64); err != nil {
		return Checkpoint{}, fmt.Errorf("journal: parse a checkpoint's size: %w: %w", err, ErrCheckpoint)
	}
	root, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || len(root) != len(Hash{}) {
		return Checkpoint{}, fmt.Errorf("journal: parse a checkpoint: the root is not base64 of 32 bytes: %w", ErrCheckpoint)
	}
	c.Root = Hash(root)
	if len(lines) == 5 {
		n, ok := strings.CutPrefix(lines[3], counterLine)
		if c.Counter, err = strconv.ParseUint(n, 10, 64); !ok || err != nil || c.Counter == 0 {
			return Checkpoint{}, fmt.Errorf("journal: parse a checkpoint: an extension line that is no counter: %w", ErrCheckpoint)
		}
	}
	again, err := c.Marshal()
	if err != nil {
		return Checkpoint{}, err
	}
	if !bytes.Equal(again, b) {
		return Checkpoint{}, fmt.Errorf("journal: parse a checkpoint: not its only encoding: %w", ErrCheckpoint)
	}
	return c, nil
}
