// Package evidence keeps and checks what speaks for or against a kiosk's
// journal before others: heads that the portal has witnessed, beacons, proofs
// that one entry is in the journal, and paper receipts (DESIGN 3 and 4;
// sync/spec/outbox.md, section 8).
//
// It decides no case: it says what follows from signatures and hashes, and says
// «cannot tell» where nothing does.
package evidence

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/penjire/penjire/sync/durable"
	"github.com/penjire/penjire/sync/journal"
)

// ErrNone says that the folder has nothing that shows it.
var ErrNone = errors.New("there is no such evidence")

// Keep is how many heads, and how many beacons, a folder keeps of one epoch: the
// newest. The portal keeps every head for ever.
const Keep = 4096

// Folder keeps the portal's signed words about a journal as files that openssl
// can check: <epoch>-<size>.head and <epoch>-<index>.beacon, the numbers in
// decimal, 20 digits. Its methods may be called from several goroutines of one
// process.
//
// What is lost here is no request: the portal has the heads too.
type Folder struct {
	dir string

	mu    sync.Mutex
	heads map[[16]byte][]int64 // sizes, sorted
	times map[[16]byte][]int64 // indexes of beacons, sorted
}

// Open opens the folder, and makes it where there is none.
func Open(dir string) (*Folder, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("evidence: open: %w", err)
	}
	all, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("evidence: open: %w", err)
	}
	f := &Folder{dir: dir, heads: map[[16]byte][]int64{}, times: map[[16]byte][]int64{}}
	for _, e := range all { // sorted by name, so by number in each epoch
		base, ext, _ := strings.Cut(e.Name(), ".")
		eh, nh, _ := strings.Cut(base, "-")
		epoch, err := hex.DecodeString(eh)
		n, err2 := strconv.ParseInt(nh, 10, 64)
		if errors.Join(err, err2) != nil || len(epoch) != 16 || len(nh) != 20 {
			continue // a file cut short by a power failure, or not ours
		}
		switch ext {
		case "head":
			f.heads[[16]byte(epoch)] = append(f.heads[[16]byte(epoch)], n)
		case "beacon":
			f.times[[16]byte(epoch)] = append(f.times[[16]byte(epoch)], n)
		}
	}
	return f, nil
}

func (f *Folder) path(e [16]byte, n int64, ext string) string {
	return filepath.Join(f.dir, fmt.Sprintf("%s-%020d.%s", hex.EncodeToString(e[:]), n, ext))
}

// PutHead keeps a witnessed head, durably. The same head again, with more
// signatures, takes its place.
func (f *Folder) PutHead(e [16]byte, h *journal.Head) error {
	return f.put(e, h.Size, "head", f.heads, h.Marshal())
}

// PutBeacon keeps the signed beacon of which entry number index speaks.
func (f *Folder) PutBeacon(e [16]byte, index int64, signed []byte) error {
	return f.put(e, index, "beacon", f.times, signed)
}

func (f *Folder) put(e [16]byte, n int64, ext string, list map[[16]byte][]int64, b []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := durable.WriteFile(f.path(e, n, ext), b, 0o600); err != nil {
		return fmt.Errorf("evidence: keep a %s: %w", ext, err)
	}
	i, there := slices.BinarySearch(list[e], n)
	if !there {
		list[e] = slices.Insert(list[e], i, n)
	}
	for len(list[e]) > Keep {
		if err := os.Remove(f.path(e, list[e][0], ext)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("evidence: let go of a %s: %w", ext, err)
		}
		list[e] = list[e][1:]
	}
	return nil
}

// HeadOver returns the first head kept that covers entry number index: ErrNone
// where there is none.
func (f *Folder) HeadOver(e [16]byte, index int64) (*journal.Head, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i, _ := slices.BinarySearch(f.heads[e], index+1)
	if i == len(f.heads[e]) {
		return nil, fmt.Errorf("evidence: a witnessed head over entry %d: %w", index, ErrNone)
	}
	b, err := os.ReadFile(f.path(e, f.heads[e][i], "head"))
	if err != nil {
		return nil, fmt.Errorf("evidence: read a head: %w", err)
	}
	h, err := journal.ParseHead(b)
	if err != nil {
		return nil, fmt.Errorf("evidence: read a head: %w", err)
	}
	return h, nil
}

// BeaconBefore returns the last beacon kept that stands before entry number
// index, and its own index: ErrNone where there is none.
func (f *Folder) BeaconBefore(e [16]byte, index int64) (at int64, signed []byte, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i, _ := slices.BinarySearch(f.times[e], index)
	if i == 0 {
		return 0, nil, fmt.Errorf("evidence: a beacon before entry %d: %w", index, ErrNone)
	}
	at = f.times[e][i-1]
	if signed, err = os.ReadFile(f.path(e, at, "beacon")); err != nil {
		return 0, nil, fmt.Errorf("evidence: read a beacon: %w", err)
	}
	return at, signed, nil
}

// Witnessed returns the size of the largest head kept of that epoch; 0: none.
func (f *Folder) Witnessed(e [16]byte) int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	if l := f.heads[e]; len(l) > 0 {
		return l[len(l)-1]
	}
	return 0
}

// Newest returns the largest head kept of that epoch: ErrNone where there is none.
func (f *Folder) Newest(e [16]byte) (*journal.Head, error) { return f.HeadOver(e, f.Witnessed(e)-1) }
