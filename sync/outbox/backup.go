package outbox

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
)

// errRecovered is the cause of a file that Restore makes.
var errRecovered = errors.New("made anew from a copy")

// Backup writes a copy of all values to w while the outbox goes on: what was
// durable when it was called is in it, and of what became durable meanwhile most
// is. It ends with a mark; a copy without one is not whole (OB-CPY-3).
//
// It holds up nobody, also where w is slow.
func (o *Outbox) Backup(ctx context.Context, w io.Writer) error {
	p := newTap()
	epoch, now := o.listen(p)
	defer o.unlisten(p)
	out := bufio.NewWriterSize(w, 64<<10)
	put := func(b []byte) error {
		if err := context.Cause(ctx); err != nil {
			return fmt.Errorf("outbox: back up: %w", err)
		}
		if _, err := out.Write(b); err != nil {
			return fmt.Errorf("outbox: back up: %w", err)
		}
		return nil
	}
	head, err := marshalMark(o.o.Kiosk, epoch, 0, 0, nil, o.o.Now())
	if err != nil {
		return err
	}
	if err := put(head); err != nil {
		return err
	}
	since, rev := uint64(0), uint64(0)
	for {
		got, err := o.copyValues(ctx, since, now.rev, put)
		if err != nil {
			return err
		}
		rev = max(rev, got)
		vals, last, lost := p.take()
		if lost { // more came than is kept in memory: it is in the file
			since, now = rev, last
			continue
		}
		if err := o.emitAll(ctx, vals, put); err != nil {
			return err
		}
		if len(vals) > 0 {
			rev, now = max(rev, last.rev), last
		}
		break
	}
	if o.epoch() != epoch {
		return fmt.Errorf("outbox: back up: %w", errMirrorEpoch)
	}
	end, err := marshalMark(o.o.Kiosk, epoch, 1, rev, &now.head, o.o.Now())
	if err != nil {
		return err
	}
	if err := put(end); err != nil {
		return err
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("outbox: back up: %w", err)
	}
	return nil
}

// CheckCopy reports whether the backup in r is whole, and whose it is. It does not
// open what is sealed and needs no key.
func CheckCopy(r io.Reader) (kiosk string, err error) {
	s, err := readCopy(r)
	if err != nil {
		return "", err
	}
	if s.kiosk == "" {
		return "", fmt.Errorf("outbox: check a backup: it is none: %w", ErrDamaged)
	}
	if !s.whole {
		return s.kiosk, fmt.Errorf("outbox: check a backup: it ends or is damaged after %d bytes: %w", s.end, ErrDamaged)
	}
	return s.kiosk, nil
}

// Restored is what Restore found and made.
type Restored struct {
	Epoch    Epoch    // the new one
	Requests int      // carried over, all states
	Waiting  int      // of them without receipt: they are sent again
	Lost     int      // of them without their sealed bytes
	Values   int      // found in all sources
	Torn     []string // backups among the sources that are not whole
	Aside    string   // where the file that was there is now; empty: there was none
}

// Restore makes the outbox in dir anew from copies: backups, mirrors (folders),
// or files of an outbox. A file that is there already is one more source and is
// kept aside: nothing that was accepted here is lost, also where the copy is
// older. Of every value the highest revision counts.
//
// What may have left did, what may have been printed was, the cursor is 0, and
// the file has a new epoch; requests keep their identity, so the portal gives the
// receipts that it gave before. ErrLocked while a kiosk runs. Copies of another
// kiosk are refused.
func Restore(ctx context.Context, dir string, o Options, from ...string) (res Restored, err error) {
	if err := o.fill(); err != nil {
		return res, err
	}
	if len(from) == 0 {
		return res, errors.New("outbox: restore: from nothing")
	}
	o.Mirror, o.medium = "", nil
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return res, fmt.Errorf("outbox: make the folder: %w", err)
	}
	lock, err := lockDir(dir)
	if err != nil {
		return res, err
	}
	out := &Outbox{path: filepath.Join(dir, fileName), o: o, lock: lock, staged: map[[32]byte]int{}, proved: map[[32]byte]bool{}}
	defer func() { err = errors.Join(err, out.shut()) }()
	src := &sources{found: map[id]at{}, mustKiosk: o.Kiosk}
	defer func() { err = errors.Join(err, src.close()) }()
	for _, name := range from {
		if err := src.copy(name); err != nil {
			return res, err
		}
	}
	if len(src.found) == 0 {
		return res, fmt.Errorf("outbox: restore: nothing was found in %q: %w", from, ErrNotFound)
	}
	if _, err := os.Lstat(out.path); err == nil {
		if res.Aside, err = keepAside(out.path, o.Now().UTC().Format("20060102T150405Z")); err != nil {
			return res, err
		}
		if err := src.file(res.Aside); err != nil {
			return res, err
		}
	} else if !errors.Is(err, os.ErrNotExist) {
		return res, fmt.Errorf("outbox: look for %s: %w", out.path, err)
	}
	whose, err := src.kiosks()
	if err != nil {
		return res, err
	}
	if slices.ContainsFunc(whose, func(k string) bool { return k != o.Kiosk }) {
		return res, fmt.Errorf("outbox: restore: the copies are of kiosks %q, not of %s", whose, o.Kiosk)
	}
	if err := context.Cause(ctx); err != nil {
		return res, fmt.Errorf("outbox: restore: %w", err)
	}
	if err := out.rebuild(src, errRecovered); err != nil {
		return res, err
	}
	if err := out.markUsed(); err != nil {
		return res, err
	}
	if err := out.openFile(ctx); err != nil {
		return res, err
	}
	m := &out.mem
	res.Epoch, res.Requests, res.Waiting, res.Values, res.Torn = m.epoch, len(m.slots), m.waits, len(src.found), src.torn
	for i := range m.slots {
		if m.slots[i].lost {
			res.Lost++
		}
	}
	return res, nil
}

// copy adds a backup, a mirror or an outbox's file.
func (s *sources) copy(path string) error {
	st, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("outbox: restore: %w", err)
	}
	if st.IsDir() {
		more := readMirror(folder(path), s.mustKiosk)
		if more == nil {
			return fmt.Errorf("outbox: restore: %s: %w", path, errMirrorForeign)
		}
		s.join(more)
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("outbox: restore: %w", err)
	}
	if err := s.add(f); err != nil {
		return err
	}
	c, err := readCopy(io.NewSectionReader(f, 0, st.Size()))
	if err != nil {
		return err
	}
	if c.kiosk != "" && !c.whole {
		s.torn = append(s.torn, path)
	}
	return nil
}
