//go:build linux && amd64

package outbox_test

import (
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/outbox/outboxtest"
)

// A power cut leaves what was flushed, and of what was not any part, in any
// order. The changes that a working child made are replayed up to each write
// and flush; there the folder is rebuilt in several of the forms it may have,
// opened, checked and compared with what was acknowledged until then.

// disk is what is certain on the medium and what is on its way there.
type disk struct {
	inodes  map[int][]byte
	names   map[string]int
	pending []change // writes and truncates that no flush followed
	renames []change // names that no flush of the folder followed
}

func (d *disk) feed(c change) {
	switch c.Kind {
	case 'w', 't':
		d.pending = append(d.pending, c)
	case 'c', 'r', 'l', 'u':
		d.renames = append(d.renames, c)
	case 's':
		var rest []change
		for _, p := range d.pending {
			if p.Inode == c.Inode {
				d.inodes[p.Inode] = p.apply(d.inodes[p.Inode])
			} else {
				rest = append(rest, p)
			}
		}
		d.pending = rest
	case 'd':
		for _, r := range d.renames {
			r.name(d.names)
		}
		d.renames = nil
	}
}

func (c change) apply(b []byte) []byte {
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

func (c change) name(names map[string]int) {
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
				b = change{Kind: 'w', Off: p.Off + int64(at), Data: p.Data[at:end]}.apply(b)
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
		if err := os.WriteFile(filepath.Join(dir, name), content(inode), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// explore visits the states and returns how many there were and what was wrong
// in them; enough of that ends it. skip leaves out flushes, to see that they
// are needed; judge looks at the folder that is left.
func explore(changes []change, old int, seed uint64, most int, skip func(n int, c change) bool, base string, judge func(dir string, lines []string) error) (states int, wrong []string, err error) {
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

func compareAcks(dir string, lines []string) error {
	a, err := readAcks(strings.NewReader(strings.Join(lines, "\n")))
	if err != nil {
		return err
	}
	return a.compare(dir)
}

// memoryDir is a folder in memory where there is one: the states are thousands
// of files that need not survive.
func memoryDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "outbox")
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

func recordWork(t *testing.T, seed uint64, steps int) []change {
	t.Helper()
	dir := memoryDir(t)
	changes, _ := trace(t, childCommand("work", dir, seed, steps), dir)
	counts := map[byte]int{}
	for _, c := range changes {
		counts[c.Kind]++
	}
	if counts['w'] < steps || counts['s'] < steps || counts['d'] < 1 || counts['r'] != 1 || counts['a'] < steps/2 {
		t.Fatalf("the trace of %d steps is not whole: %d writes, %d flushes, %d folder flushes, %d renames, %d acknowledgements",
			steps, counts['w'], counts['s'], counts['d'], counts['r'], counts['a'])
	}
	return changes
}

func TestCrashStates(t *testing.T) {
	most := 600
	if testing.Short() {
		most = 100
	}
	if s := os.Getenv("PENJIRE_CRASH_STATES"); s != "" {
		var err error
		if most, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	n := seed(t)
	changes := recordWork(t, n, 150)
	states, wrong, err := explore(changes, 0, n, most, nil, memoryDir(t), compareAcks)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range wrong {
		t.Error(w)
	}
	t.Logf("%d states after %d changes", states, len(changes))
}

// TestCrashStatesOfASalvage cuts the power while a damaged file is being set
// aside and salvaged: what could be sent before can be sent after.
func TestCrashStatesOfASalvage(t *testing.T) {
	n := seed(t)
	dir := memoryDir(t)
	path := filled(t, dir)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	clear(whole[:8192])
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	changes, old := trace(t, childCommand("open", dir, n, 0), dir)
	states, wrong, err := explore(changes, old, n, 1000, nil, memoryDir(t), func(dir string, _ []string) error {
		o, err := outbox.Open(context.Background(), dir, outbox.Options{Kiosk: outboxtest.Kiosk})
		if err != nil {
			return err
		}
		recs, err := o.Lease(context.Background(), 0, 0)
		if err == nil && len(recs) != 25 {
			err = fmt.Errorf("%d requests are sent, want 25", len(recs))
		}
		if err == nil {
			err = o.Check(context.Background())
		}
		if a := o.Stats(context.Background()).Alarms; err == nil && !slices.Contains(a, outbox.AlarmQuarantined) {
			err = fmt.Errorf("alarms %v", a)
		}
		return errors.Join(err, o.Close())
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range wrong {
		t.Error(w)
	}
	if states < 30 {
		t.Errorf("%d states after %d changes, want more", states, len(changes)-old)
	}
	t.Logf("%d states after %d changes", states, len(changes)-old)
}

// TestCrashStatesSeeAMissingFlush leaves out flushes that are needed: if the
// exploration found nothing wrong then, it would not see anything. A broken
// tree may kill the process that looks at it, so a child looks.
func TestCrashStatesSeeAMissingFlush(t *testing.T) {
	n := seed(t)
	changes := recordWork(t, n, 60)
	dir := memoryDir(t)
	f, err := os.Create(filepath.Join(dir, "changes"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(gob.NewEncoder(f).Encode(changes), f.Close()); err != nil {
		t.Fatal(err)
	}
	cmd := childCommand("explore", dir, n, 0)
	cmd.Stderr = nil
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Fatal("every second flush was left out and nothing was found wrong")
	}
	t.Logf("found, as it should be: %.300s", out)
}

func init() { moreChildren["explore"] = exploreMutated }

func exploreMutated(dir string, seed uint64) error {
	f, err := os.Open(filepath.Join(dir, "changes"))
	if err != nil {
		return nil // not a finding
	}
	var changes []change
	if err := errors.Join(gob.NewDecoder(f).Decode(&changes), f.Close()); err != nil {
		return nil
	}
	// bbolt flushes data, then the meta page: leave out the first of each pair.
	states, wrong, err := explore(changes, 0, seed, 400, func(n int, c change) bool { return c.Kind == 's' && n%2 == 0 }, dir, compareAcks)
	if err != nil || len(wrong) == 0 {
		return nil
	}
	return fmt.Errorf("%d states: %s", states, strings.Join(wrong, "; "))
}
