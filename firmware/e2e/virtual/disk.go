package virtual

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
)

// block is what a disk writes at once: a power cut leaves it old or new.
const block = 4096

// cacheLimit is how many blocks a disk keeps to itself before it writes some of
// them by its own choice.
const cacheLimit = 16 << 20 / block

// Disk is a disk with a volatile cache, as real ones have: what was written and
// not flushed may be lost when the power is cut, in any order. It begins as a copy
// of a base, which is never changed, so that many tests start from one image.
type Disk struct {
	Read, Written atomic.Int64 // bytes, all machines together

	base io.ReaderAt // nil: zeros
	size int64
	own  *os.File // what differs from the base, by place

	mu      sync.Mutex
	differs map[int64]bool   // number of block: it is in own
	cache   map[int64][]byte // number of block: written and not flushed
	order   []int64          // of the cache's blocks
	dead    bool             // the power is cut
}

// NewDisk makes a disk of size bytes that begins with base, which may be nil. What
// differs from it is kept in file.
func NewDisk(base io.ReaderAt, size int64, file string) (*Disk, error) {
	if size <= 0 || size%block != 0 {
		return nil, fmt.Errorf("a disk of %d bytes: its size must be a multiple of %d", size, block)
	}
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("make a disk: %w", err)
	}
	return &Disk{base: base, size: size, own: f, differs: map[int64]bool{}, cache: map[int64][]byte{}}, nil
}

// Size returns how many bytes the disk has.
func (d *Disk) Size() int64 { return d.size }

// Close gives back what the disk holds; it cannot be used any more.
func (d *Disk) Close() error { return d.own.Close() }

// Fork returns a new disk that begins as this one is now, flushed or not. This one
// must not be written to while the new one is in use.
func (d *Disk) Fork(file string) (*Disk, error) {
	if err := d.Flush(); err != nil {
		return nil, err
	}
	return NewDisk(d, d.size, file)
}

// ReadAt reads what was written last.
func (d *Disk) ReadAt(p []byte, off int64) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.readAt(p, off)
}

func (d *Disk) readAt(p []byte, off int64) (int, error) {
	if off < 0 || off >= d.size {
		return 0, io.EOF
	}
	short := off+int64(len(p)) > d.size
	if short {
		p = p[:d.size-off]
	}
	for done := 0; done < len(p); {
		at := off + int64(done)
		n, in := at/block, at%block
		part := p[done:min(len(p), done+int(block-in))]
		var err error
		switch {
		case d.cache[n] != nil:
			copy(part, d.cache[n][in:])
		case d.differs[n]:
			_, err = d.own.ReadAt(part, at)
		default:
			err = d.readBase(part, at)
		}
		if err != nil {
			return done, fmt.Errorf("read a disk at %d: %w", at, err)
		}
		done += len(part)
	}
	if short {
		return len(p), io.EOF
	}
	return len(p), nil
}

// readBase reads from the base; after its end there are zeros.
func (d *Disk) readBase(p []byte, off int64) error {
	n := 0
	if d.base != nil {
		var err error
		if n, err = d.base.ReadAt(p, off); err != nil && err != io.EOF {
			return err
		}
	}
	clear(p[n:])
	return nil
}

// WriteAt writes into the cache.
func (d *Disk) WriteAt(p []byte, off int64) (int, error) {
	if off < 0 || off+int64(len(p)) > d.size {
		return 0, fmt.Errorf("write %d bytes at %d of a disk of %d", len(p), off, d.size)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dead {
		return 0, errPower
	}
	for done := 0; done < len(p); {
		at := off + int64(done)
		n, in := at/block, at%block
		part := p[done:min(len(p), done+int(block-in))]
		b := d.cache[n]
		if b == nil {
			b = make([]byte, block)
			if len(part) < block {
				if _, err := d.readAt(b, n*block); err != nil {
					return done, err
				}
			}
			d.cache[n] = b
			d.order = append(d.order, n)
		}
		copy(b[in:], part)
		done += len(part)
	}
	for len(d.cache) > cacheLimit {
		if err := d.settle(d.order[0]); err != nil {
			return 0, err
		}
		d.order = d.order[1:]
	}
	return len(p), nil
}

// settle makes a block of the cache durable.
func (d *Disk) settle(n int64) error {
	b := d.cache[n]
	if b == nil {
		return nil // it was before
	}
	if _, err := d.own.WriteAt(b, n*block); err != nil {
		return fmt.Errorf("write a disk at %d: %w", n*block, err)
	}
	d.differs[n] = true
	delete(d.cache, n)
	return nil
}

// Flush makes durable what was written so far.
func (d *Disk) Flush() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dead {
		return errPower
	}
	for _, n := range d.order {
		if err := d.settle(n); err != nil {
			return err
		}
	}
	d.order = d.order[:0]
	return nil
}

// force makes durable what was written to length bytes at off.
func (d *Disk) force(off, length int64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dead {
		return errPower
	}
	for n := off / block; n*block < off+length; n++ {
		if err := d.settle(n); err != nil {
			return err
		}
	}
	return nil
}

var errPower = fmt.Errorf("the disk has no power")

// Cut cuts the power: of what was not flushed, r chooses what is lost and what
// happened to be written. With nil all is lost.
func (d *Disk) Cut(r *rand.Rand) (lost int, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dead = true
	for _, n := range d.order {
		if d.cache[n] == nil {
			continue
		}
		if r == nil || r.IntN(2) == 0 {
			delete(d.cache, n)
			lost++
		} else if err := d.settle(n); err != nil {
			return lost, err
		}
	}
	d.order = d.order[:0]
	return lost, nil
}

// Power gives the disk power again.
func (d *Disk) Power() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dead = false
}
