package journal

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
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
	Origin string
	Size   int64
	Root   Hash
}

// Marshal returns the three lines of C2SP tlog-checkpoint, without signatures.
func (c Checkpoint) Marshal() ([]byte, error) {
	if err := c.valid(); err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, "%s\n%d\n%s\n", c.Origin, c.Size, base64.StdEncoding.EncodeToString(c.Root[:])), nil
}

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

// ParseCheckpoint reads exactly what Marshal writes. Extension lines, which
// the C2SP format allows, are refused: ours has none, and what is not
// understood must not be signed for.
func ParseCheckpoint(b []byte) (Checkpoint, error) {
	lines := strings.Split(string(b), "\n")
	if len(lines) != 4 || lines[3] != "" {
		return Checkpoint{}, fmt.Errorf("journal: parse a checkpoint: not three lines: %w", ErrCheckpoint)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("journal: parse a checkpoint's size: %w: %w", err, ErrCheckpoint)
	}
	root, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || len(root) != len(Hash{}) {
		return Checkpoint{}, fmt.Errorf("journal: parse a checkpoint: the root is not base64 of 32 bytes: %w", ErrCheckpoint)
	}
	c := Checkpoint{Origin: lines[0], Size: size, Root: Hash(root)}
	again, err := c.Marshal()
	if err != nil {
		return Checkpoint{}, err
	}
	if !bytes.Equal(again, b) {
		return Checkpoint{}, fmt.Errorf("journal: parse a checkpoint: not its only encoding: %w", ErrCheckpoint)
	}
	return c, nil
}

// Sign returns the checkpoint as a C2SP signed note. See NewSigner.
func (c Checkpoint) Sign(signers ...note.Signer) ([]byte, error) {
	text, err := c.Marshal()
	if err != nil {
		return nil, err
	}
	b, err := note.Sign(&note.Note{Text: string(text)}, signers...)
	if err != nil {
		return nil, fmt.Errorf("journal: sign the checkpoint of %s at %d: %w", c.Origin, c.Size, err)
	}
	return b, nil
}

// OpenCheckpoint verifies a signed note and returns the checkpoint in it. At
// least one signature is by one of known, and none that claims to be is false.
func OpenCheckpoint(signed []byte, known ...note.Verifier) (Checkpoint, error) {
	n, err := note.Open(signed, note.VerifierList(known...))
	if err != nil {
		return Checkpoint{}, fmt.Errorf("journal: open a signed checkpoint: %w", err)
	}
	return ParseCheckpoint([]byte(n.Text))
}
