package outbox

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Staged are sealed bytes that are durable and that no request has yet. Accept
// takes them over; whoever does not accept them discards them. What neither
// happened to is removed at the next Open.
type Staged struct {
	o      *Outbox
	small  []byte // up to MaxInline: nothing is on disk
	digest [32]byte
	size   int64
	state  stagedState // guarded by o.mu
}

type stagedState uint8

const (
	stagedFree    stagedState = iota // on disk, nobody's
	stagedOffered                    // a commit that names it may be under way
	stagedTaken                      // a request's
	stagedGone                       // discarded
)

// Stage takes the sealed bytes that fill writes, in constant memory, and returns
// when they are durable. What is small is kept in memory instead. ErrFull says, as
// early as it shows, that there is no room, and ErrTooLarge that it is more than
// MaxSealed; then nothing is left behind. An error of fill is returned as it is.
func (o *Outbox) Stage(ctx context.Context, fill func(io.Writer) error) (*Staged, error) {
	w := &stager{ctx: ctx, o: o, sum: sha256.New()}
	err := fill(w)
	if err == nil {
		err = w.err
	}
	defer o.giveBack(w)
	if err != nil {
		if w.file != nil {
			_ = w.file.discard() // the next Open removes what is left
		}
		return nil, err
	}
	s := &Staged{o: o, size: w.size, small: w.small.Bytes()}
	w.sum.Sum(s.digest[:0])
	if w.file == nil {
		return s, nil
	}
	s.small = nil
	if err := w.file.install(s.digest); err != nil {
		return nil, err
	}
	o.mu.Lock()
	o.staged[s.digest]++
	o.stagedBytes += s.size
	o.mu.Unlock()
	return s, nil
}

// Size returns how many sealed bytes there are.
func (s *Staged) Size() int64 { return s.size }

// Discard removes them, if no request has them or may get them. Of nil there is
// nothing to discard.
func (s *Staged) Discard() {
	if s == nil {
		return
	}
	s.o.mu.Lock()
	free := s.state == stagedFree
	if free {
		s.state = stagedGone
	}
	unlink := free && s.small == nil && s.o.release(s)
	s.o.mu.Unlock()
	if unlink {
		_ = os.Remove(blobPath(s.o.dir(), s.digest)) // the next Open removes it otherwise
	}
}

// release lets go of a staged file and reports whether nobody else has it. o.mu is
// locked.
func (o *Outbox) release(s *Staged) bool {
	if o.staged[s.digest]--; o.staged[s.digest] <= 0 {
		delete(o.staged, s.digest)
	}
	o.stagedBytes -= s.size
	return o.staged[s.digest] == 0 && o.mem.blobs[s.digest] == nil
}

// stager writes up to MaxInline to memory, and what is more to a file.
type stager struct {
	ctx      context.Context
	o        *Outbox
	sum      hash.Hash
	small    bytes.Buffer
	file     *blobFile
	size     int64
	reserved int64
	err      error
}

// Write implements io.Writer.
func (w *stager) Write(p []byte) (int, error) {
	if w.err == nil {
		w.err = w.write(p)
	}
	if w.err != nil {
		return 0, w.err
	}
	return len(p), nil
}

func (w *stager) write(p []byte) error {
	if err := context.Cause(w.ctx); err != nil {
		return fmt.Errorf("outbox: stage sealed bytes: %w", err)
	}
	w.size += int64(len(p))
	_, _ = w.sum.Write(p) // a digest takes everything
	if w.size > MaxSealed {
		return fmt.Errorf("outbox: stage more than %d bytes: %w", MaxSealed, ErrTooLarge)
	}
	if w.file == nil && w.size <= MaxInline {
		_, _ = w.small.Write(p) // memory
		return nil
	}
	if w.file == nil {
		f, err := newBlob(w.o.dir())
		if err != nil {
			return full(err)
		}
		w.file = f
		p = append(w.small.Bytes(), p...)
		w.small = bytes.Buffer{}
	}
	for w.size > w.reserved {
		if err := w.o.reserve(blobStep); err != nil {
			return err
		}
		w.reserved += blobStep
	}
	if _, err := w.file.Write(p); err != nil {
		return full(fmt.Errorf("outbox: stage sealed bytes: %w", err))
	}
	return nil
}

// blobStep is for how many bytes at a time a stager asks for room.
const blobStep = 1 << 20

// reserve takes n bytes of the room for large requests.
func (o *Outbox) reserve(n int64) error {
	if err := diskRoom(o.dir(), n, diskSpare); err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.mem.blobBytes+o.stagedBytes+o.reserved+n > o.o.MaxBlobs {
		return fmt.Errorf("outbox: large requests have %d bytes of %d: %w", o.mem.blobBytes+o.stagedBytes, o.o.MaxBlobs, ErrFull)
	}
	o.reserved += n
	return nil
}

// giveBack gives back what a stager took of the room: what it staged counts by itself.
func (o *Outbox) giveBack(w *stager) {
	o.mu.Lock()
	o.reserved -= w.reserved
	o.mu.Unlock()
}

// diskSpare is what large requests leave free of the disk for the outbox's file,
// logs and everything else; of a small disk an eighth.
const diskSpare = 64 << 20

// smallSpare is what every new request leaves free of the disk: receipts, prints and
// logs are written while nothing new is accepted (OB-ROM-3).
const smallSpare = 4 << 20

// diskRoom says whether n bytes leave the spare free, or an eighth of a small disk.
func diskRoom(dir string, n, spare int64) error {
	var st unix.Statfs_t
	if err := unix.Statfs(filepath.Clean(dir), &st); err != nil {
		return nil // the write will tell
	}
	block := int64(st.Bsize)                                    //nolint:unconvert // the size differs by processor
	free, all := int64(st.Bavail)*block, int64(st.Blocks)*block //nolint:gosec,unconvert // of a disk
	if free-n < min(spare, all/8) {
		return fmt.Errorf("outbox: %d bytes are free on the disk: %w", free, ErrFull)
	}
	return nil
}

// sealedOf returns the draft's sealed bytes, staged where they are large. own says
// that nobody else has them.
func (o *Outbox) sealedOf(ctx context.Context, d *Draft) (s *Staged, own bool, err error) {
	switch {
	case d.Staged == nil && len(d.Sealed) <= MaxInline:
		return &Staged{o: o, small: d.Sealed, digest: sha256.Sum256(d.Sealed), size: int64(len(d.Sealed))}, true, nil
	case d.Staged == nil:
		s, err = o.Stage(ctx, func(w io.Writer) error {
			_, err := w.Write(d.Sealed)
			return err
		})
		if err != nil {
			return nil, false, err
		}
		own = true
	default:
		s = d.Staged
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case s.o != o || s.state == stagedGone:
		return s, own, errStaged
	case s.state != stagedTaken:
		s.state = stagedOffered
	}
	return s, own, nil
}

var errStaged = errors.New("outbox: accept sealed bytes that were accepted or discarded before")

// usable says whether a new request may have the bytes.
func (s *Staged) usable() error {
	s.o.mu.RLock()
	defer s.o.mu.RUnlock()
	if s.small == nil && s.state != stagedOffered {
		return errStaged
	}
	return nil
}

// inline is how many sealed bytes go into the outbox's file.
func (s *Staged) inline() int {
	if s.small == nil {
		return largeLen
	}
	return len(s.small)
}

// settle says what became of an offer. After a write that was given up by its
// context, or failed at its end, nobody is sure: the file stays until the next Open, if
// no request has it.
func (s *Staged) settle(unsure, used, discard bool) {
	if s.small != nil {
		return
	}
	s.o.mu.Lock()
	if s.state == stagedOffered && !used && !unsure {
		s.state = stagedFree
	}
	s.o.mu.Unlock()
	if discard {
		s.Discard()
	}
}
