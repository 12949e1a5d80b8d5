// Package flash writes the image of a kiosk's medium to a card or stick, proves
// that it is there, gives it the set-up of one kiosk, and says what a medium is.
//
// Contract of [Job.Run]:
//   - Nothing is written before the whole image was read and is what its signed
//     manifest says.
//   - The first thing written makes the medium unbootable, the last makes it bootable:
//     a medium that was pulled out, or that failed, starts nothing.
//   - It returns nil only after every byte was read back from the medium and was
//     the right one, and the medium was seen to have the capacity it claims.
//   - It may be repeated; each time begins from nothing.
package flash

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/penjire/penjire/boards/layout"
	"github.com/penjire/penjire/firmware/enrol"
)

// Phase is what a job is doing.
type Phase string

// The phases, in their order.
const (
	Checking  Phase = "checking the image"
	Writing   Phase = "writing"
	Comparing Phase = "reading back and comparing"
	Finishing Phase = "writing the partition table"
)

// Job is an image that is to be on a medium.
type Job struct {
	Image *Image
	To    Target
	// Setup is whose medium it will be; nil: the kiosk asks for it.
	Setup *enrol.Setup
	// Progress is told how many bytes of all are done; nil: nobody is.
	Progress func(p Phase, done, all int64)
}

// ErrBadMedium is returned for a medium that does not keep what is written to it.
var ErrBadMedium = errors.New("the medium is bad")

// ErrCapacity is returned for a medium that has less room than it says.
var ErrCapacity = fmt.Errorf("%w: it has less room than it says", ErrBadMedium)

// ErrTooSmall is returned for a medium that the image does not fit on.
var ErrTooSmall = errors.New("the medium is too small")

// Difference is the first byte that a medium gave back otherwise than written. It
// wraps [ErrBadMedium].
type Difference struct {
	Offset    int64
	Got, Want byte
}

// Error implements error.
func (d *Difference) Error() string {
	return fmt.Sprintf("%v: byte %d reads as %#02x, written was %#02x", ErrBadMedium, d.Offset, d.Got, d.Want)
}

// Unwrap returns ErrBadMedium.
func (d *Difference) Unwrap() error { return ErrBadMedium }

func (j *Job) told(p Phase, done int64) {
	if j.Progress != nil {
		j.Progress(p, done, j.Image.Manifest.Size)
	}
}

// Run writes the image. Of ctx's end it returns its cause, with the medium left
// unbootable.
func (j *Job) Run(ctx context.Context) error {
	m := j.Image.Manifest
	if j.To.Size() < m.Size {
		return fmt.Errorf("flash: %w: it has %s, the image needs %s", ErrTooSmall, Size(j.To.Size()), Size(m.Size))
	}
	buf, back := aligned(chunk), aligned(chunk)
	setup, err := j.Image.check(ctx, buf, func(done int64) { j.told(Checking, done) })
	if err != nil {
		return err
	}
	if setup, err = j.inject(setup); err != nil {
		return err
	}
	head := m.Ranges[0].Size // the manifest's check wants it to be the head
	if err := j.erase(head, buf); err != nil {
		return err
	}
	marks, err := mark(j.To, m.Size)
	if err != nil {
		return err
	}
	first := make([]byte, head)
	s, _ := m.Range(layout.Setup)
	plan := func(fn func(off int64, b []byte) error) error {
		return j.Image.each(ctx, buf, func(off int64, b []byte) error {
			overlap(off, b, s.Start, setup, func(image, own []byte) { copy(image, own) })
			overlap(off, b, 0, first, func(image, own []byte) {
				copy(own, image)
				clear(image) // not yet
			})
			return fn(off, b)
		})
	}
	err = plan(func(off int64, b []byte) error {
		if _, err := j.To.WriteAt(b, off); err != nil {
			return fmt.Errorf("flash: write at byte %d: %w: %w", off, ErrBadMedium, err)
		}
		j.told(Writing, off+int64(len(b)))
		return nil
	})
	if err != nil {
		return err
	}
	if err := j.flush(); err != nil {
		return err
	}
	err = plan(func(off int64, b []byte) error {
		j.told(Comparing, off+int64(len(b)))
		return compare(j.To, off, b, back)
	})
	if err != nil {
		return err
	}
	if err := marks.check(j.To, back); err != nil {
		return err
	}
	return j.finish(first, buf, back)
}

// inject puts set-up and manifest into the set-up partition that b holds.
func (j *Job) inject(b []byte) ([]byte, error) {
	files := map[string][]byte{ManifestFile: j.Image.file}
	if j.Setup != nil {
		own, err := j.Setup.Marshal()
		if err != nil {
			return nil, fmt.Errorf("flash: write the set-up: %w", err)
		}
		files[enrol.SetupFile] = own
	}
	return put(b, files)
}

// erase makes the medium unbootable: it takes the head away, and the second partition
// table that an earlier use may have left at the end, which would bring back the first.
func (j *Job) erase(head int64, buf []byte) error {
	clear(buf)
	end := j.To.Size()
	for _, at := range [][2]int64{{0, head}, {max(head, end-chunk) &^ (chunkUnit - 1), end}} {
		for off := at[0]; off < at[1]; off += chunk {
			if _, err := j.To.WriteAt(buf[:min(chunk, at[1]-off)], off); err != nil {
				return fmt.Errorf("flash: erase at byte %d: %w: %w", off, ErrBadMedium, err)
			}
		}
	}
	return j.flush()
}

func (j *Job) flush() error {
	if err := j.To.Flush(); err != nil {
		return fmt.Errorf("flash: wait until the medium has everything: %w: %w", ErrBadMedium, err)
	}
	return nil
}

// finish writes the head: all behind its first block, and when that is on the medium
// and right, the first block, which is one write.
func (j *Job) finish(head, buf, back []byte) error {
	j.told(Finishing, 0)
	for _, at := range [][2]int{{chunkUnit, len(head)}, {0, min(chunkUnit, len(head))}} {
		for off := at[0]; off < at[1]; off += chunk {
			b := buf[:copy(buf, head[off:at[1]])]
			if _, err := j.To.WriteAt(b, int64(off)); err != nil {
				return fmt.Errorf("flash: write at byte %d: %w: %w", off, ErrBadMedium, err)
			}
		}
		if err := j.flush(); err != nil {
			return err
		}
		for off := at[0]; off < at[1]; off += chunk {
			b := buf[:copy(buf, head[off:at[1]])]
			if err := compare(j.To, int64(off), b, back); err != nil {
				return errors.Join(err, j.unmake(buf))
			}
		}
	}
	j.told(Finishing, j.Image.Manifest.Size)
	return nil
}

// unmake takes the first block away again.
func (j *Job) unmake(buf []byte) error {
	clear(buf)
	if _, err := j.To.WriteAt(buf[:chunkUnit], 0); err != nil {
		return fmt.Errorf("flash: the medium could not be made unbootable again: %w", err)
	}
	return j.flush()
}

// compare reads len(b) bytes at off and finds the first that is not b's.
func compare(to Target, off int64, b, back []byte) error {
	back = back[:len(b)]
	if _, err := to.ReadAt(back, off); err != nil {
		return fmt.Errorf("flash: read back at byte %d: %w: %w", off, ErrBadMedium, err)
	}
	if bytes.Equal(b, back) {
		return nil
	}
	for i := range b {
		if b[i] != back[i] {
			return fmt.Errorf("flash: %w", &Difference{off + int64(i), back[i], b[i]})
		}
	}
	return nil
}
