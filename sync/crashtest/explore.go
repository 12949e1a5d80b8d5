//go:build linux && amd64

package crashtest

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// disk is what is certain on the medium and what is on its way there.
type disk struct {
	inodes  map[int][]byte
	names   map[string]int
	pending []Change // writes and truncates that no flush followed
	renames []Change // names that no flush of the folder followed
}

func (d *disk) feed(c Change) {
	switch c.Kind {
	case 'w', 't':
		d.pending = append(d.pending, c)
	case 'c', 'r', 'l', 'u':
		d.renames = append(d.renames, c)
	case 's':
		var rest []Change
		for _, p := range d.pending {
			if p.Inode == c.Inode {
				d.inodes[p.Inode] = p.apply(d.inodes[p.Inode])
			} else {
				rest = append(rest, p)
			}
		}
		d.pending = rest
	case 'd':
		var rest []Change
		for _, r := range d.renames {
			if folderOf(r.Name) == c.Name {
				r.name(d.names)
			} else {
				rest = append(rest, r)
			}
		}
		d.renames = rest
	}
}

func (c Change) apply(b []byte) []byte {
	switch c.Kind {
	case 't':
		if int64(len(b)) > c.Off {
			return b[:c.Off]
		}
		return append(b, make([]byte, c.Off-int64(len(b)))...)
	case 'w':
		if end := c.Off + int64(len(c.Data)); int64(len(b)) < end {
			b = append(b, make([]byte, end-int64(len(b)))...)
		}
		copy(b[c.Off:], c.Data)
	}
	return b
}

func (c Change) name(names map[string]int) {
	switch c.Kind {
	case 'c':
		names[c.Name] = c.Inode
	case 'r':
		names[c.Name] = names[c.From]
		delete(names, c.From)
	case 'l':
		names[c.Name] = names[c.From]
	case 'u':
		delete(names, c.Name)
	}
}

// The forms of what a crash leaves.
const (
	formAll   = iota // the process was killed: everything it wrote is there
	formNone         // the power was cut: only what was flushed
	formPages        // any of the unflushed pages of 4 KiB
	formTorn         // any of the unflushed sectors of 512 bytes
	forms
)

// leave writes the folder in one of its possible forms.
func (d *disk) leave(dir string, form int, r *rand.Rand) error {
	grain := 4096
	if form == formTorn {
		grain = 512
	}
	copied := map[int][]byte{}
	content := func(i int) []byte {
		if b, ok := copied[i]; ok {
			return b
		}
		return append([]byte(nil), d.inodes[i]...)
	}
	for _, p := range d.pending {
		b := content(p.Inode)
		switch {
		case form == formNone:
		case form == formAll || p.Kind == 't':
			b = p.apply(b)
		default:
			for at := 0; at < len(p.Data); at += grain {
				if r.IntN(2) == 0 {
					continue
				}
				end := min(at+grain, len(p.Data))
				b = Change{Kind: 'w', Off: p.Off + int64(at), Data: p.Data[at:end]}.apply(b)
			}
		}
		copied[p.Inode] = b
	}
	names := maps.Clone(d.names)
	n := len(d.renames) // a journalling file system keeps their order
	switch form {
	case formNone:
		n = 0
	case formPages, formTorn:
		n = r.IntN(len(d.renames) + 1)
	}
	for _, c := range d.renames[:n] {
		c.name(names)
	}
	for name, inode := range names {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), content(inode), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// Explore visits the states and returns how many there were and what was wrong
// in them; enough of that ends it. skip leaves out flushes, to see that they
// are needed; judge looks at the folder that is left.
func Explore(changes []Change, old int, seed uint64, most int, skip func(n int, c Change) bool, base string, judge func(dir string, lines []string) error) (states int, wrong []string, err error) {
	r := rand.New(rand.NewPCG(seed, 2))
	d := disk{inodes: map[int][]byte{}, names: map[string]int{}}
	var lines []string
	flushes, points := 0, 0
	for _, c := range changes[old:] {
		if c.Kind != 'a' {
			points++
		}
	}
	// Each point is visited in the form whose turn it is; where there are
	// more states than wanted, points are left out at random.
	share := float64(most) / float64(points*forms)
	for i, c := range changes {
		if c.Kind == 'a' {
			lines = append(lines, string(c.Data))
			continue
		}
		for form := range forms {
			if i < old {
				break
			}
			for left := share; left > 0; left-- {
				if r.Float64() >= left {
					break
				}
				states++
				if err := visit(&d, form, r, base, func(dir string) error { return judge(dir, lines) }); err != nil {
					wrong = append(wrong, fmt.Sprintf("before change %d of %d (%c), form %d: %v", i, len(changes), c.Kind, form, err))
				}
				if form == formAll || form == formNone {
					break // there is one such state
				}
			}
			if len(wrong) >= 5 {
				return states, wrong, nil
			}
		}
		if c.Kind == 's' || c.Kind == 'd' {
			if flushes++; skip != nil && skip(flushes, c) {
				continue
			}
		}
		d.feed(c)
	}
	return states, wrong, nil
}

func visit(d *disk, form int, r *rand.Rand, base string, judge func(dir string) error) (err error) {
	dir, err := os.MkdirTemp(base, "state")
	if err != nil {
		return err
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
		err = errors.Join(err, os.RemoveAll(dir))
	}()
	if err := d.leave(dir, form, r); err != nil {
		return err
	}
	return judge(dir)
}

// Folder is a folder in memory where there is one: the states are thousands of
// files that need not survive.
func Folder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "crash")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}
