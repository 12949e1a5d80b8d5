//go:build linux && amd64

package update

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/crashtest"
	"github.com/penjire/penjire/sync/release"
	"github.com/penjire/penjire/sync/release/releasetest"
)

// A child fetches a bundle by its difference and keeps it for the next; the power is cut
// at every write and flush that it made. Whatever is there then, the fetch goes on to
// the right bundle, and does not get what was said to be durable again.

const childEnv = "PENJIRE_UPDATE_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		if err := fetchByDifference(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// crashChunk is small: many chunks are cut into one bundle.
const crashChunk = 64 << 10

// crashOld and crashNew are the bundle of before and its successor. They are made by
// counting, for the child and the judge.
func crashOld() []byte { return random(1, 400_000) }

func crashNew() []byte {
	b := crashOld()
	copy(b[150_000:], random(2, 20_000))
	return append(b[:300_000], b[300_100:]...)
}

// described returns the description of the new bundle.
func described(t testing.TB) []byte {
	t.Helper()
	w := releasetest.New(t, time.Now())
	r := w.Release(t, 2, crashNew())
	c := &r.Content
	c.Chunk, c.Chunks = crashChunk, nil
	for at := int64(0); at < c.Size; at += c.Chunk {
		one, err := release.Describe(bytes.NewReader(crashNew()[at:min(c.Size, at+c.Chunk)]))
		if err != nil {
			t.Fatal(err)
		}
		c.Chunks = append(c.Chunks, one.SHA256[:]...)
	}
	return w.Sign(t, r)
}

// memory is a portal that is always there, and says what it was asked for.
type memory struct {
	c    *release.Content
	sent int64
}

type body struct{ *bytes.Reader }

func (body) Close() error { return nil }

func (m *memory) Check(context.Context, release.Report) ([]byte, error) { return nil, nil }

func (m *memory) Bundle(_ context.Context, _ [32]byte, from, to, _ int64) (Stream, error) {
	m.sent += to - from
	return body{bytes.NewReader(crashNew()[from:to])}, nil
}

func (m *memory) Index(context.Context, [32]byte, int64) ([]byte, error) {
	x, err := m.c.MakeIndex(bytes.NewReader(crashNew()))
	if err != nil {
		return nil, err
	}
	return x.Marshal()
}

// fetchIn is one life: from what is in the folder to the whole bundle. Each number of
// bytes that is durable is said.
func fetchIn(dir string, said func(have int64)) (*memory, error) {
	signed, err := os.ReadFile(filepath.Join(dir, "signed"))
	if err != nil {
		return nil, err
	}
	r, err := release.Read(signed)
	if err != nil {
		return nil, err
	}
	portal := &memory{c: &r.Content}
	ctx, cancel := context.WithCancel(context.Background())
	var events sync.WaitGroup
	defer events.Wait() // what was told is said
	defer cancel()
	u := &Updater{c: Config{Dir: dir, Source: portal, Log: slog.New(slog.DiscardHandler)}, store: store{dir}, events: make(chan asked)}
	events.Go(func() {
		for {
			select {
			case a := <-u.events:
				if got, ok := a.e.(Got); ok {
					said(got.Have)
				}
			case <-ctx.Done():
				return
			}
		}
	})
	f, have, err := u.store.open(&r.Content)
	if err != nil {
		return nil, err
	}
	return portal, errors.Join(u.copyFromPortal(ctx, f, have, r), f.Close())
}

func fetchByDifference(dir string) error {
	if _, err := fetchIn(dir, func(have int64) { _, _ = fmt.Printf("have %d\n", have) }); err != nil {
		return err
	}
	if err := (store{dir}).keep(); err != nil {
		return err
	}
	_, err := fmt.Println("kept")
	return err
}

func judge(dir string, lines []string) error {
	said := int64(0)
	for _, l := range lines {
		_, _ = fmt.Sscanf(l, "have %d", &said) // other lines say something else
	}
	base, err := os.ReadFile(filepath.Join(dir, baseFile))
	if err != nil {
		return err
	}
	switch {
	case bytes.Equal(base, crashNew()):
		return nil // the bundle is kept, whole
	case !bytes.Equal(base, crashOld()):
		return errors.New("neither the bundle of before is kept nor the new one")
	case strings.Contains(strings.Join(lines, "\n"), "kept"):
		return errors.New("the new bundle is not kept, and was said to be")
	}
	f, err := os.Open(filepath.Join(dir, bundleFile))
	first := int64(-1)
	if err == nil {
		err = f.Close()
	} else if errors.Is(err, os.ErrNotExist) && said == 0 {
		err = nil
	}
	if err != nil {
		return err
	}
	portal, err := fetchIn(dir, func(have int64) {
		if first < 0 {
			first = have
		}
	})
	if err != nil {
		return err
	}
	got, err := os.ReadFile(filepath.Join(dir, bundleFile))
	switch {
	case err != nil:
		return err
	case !bytes.Equal(got, crashNew()):
		return errors.New("the bundle that was fetched is another")
	case first < said:
		return fmt.Errorf("it goes on behind byte %d, and %d bytes were said to be durable", first, said)
	case portal.sent > 250_000:
		return fmt.Errorf("%d bytes were fetched, want the pieces that are new", portal.sent)
	}
	return nil
}

func traced(t *testing.T) (changes []crashtest.Change, old int) {
	t.Helper()
	dir := crashtest.Folder(t)
	for name, b := range map[string][]byte{baseFile: crashOld(), "signed": described(t)} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+dir)
	cmd.Stderr = os.Stderr
	changes, old = crashtest.Trace(t, cmd, dir)
	counts := map[byte]int{}
	for _, c := range changes {
		counts[c.Kind]++
	}
	if counts['w'] < 6 || counts['s'] < 6 || counts['a'] < 8 {
		t.Fatalf("the trace is not whole: %d writes, %d flushes, %d acknowledgements", counts['w'], counts['s'], counts['a'])
	}
	return changes, old
}

func TestCrashStates(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed: %d", seed)
	changes, old := traced(t)
	states, wrong, err := crashtest.Explore(changes, old, seed, 120, nil, crashtest.Folder(t), judge)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range wrong {
		t.Error(w)
	}
	t.Logf("%d states", states)
	if states < 20 {
		t.Errorf("%d states, want more", states)
	}
	// One that does not flush is found.
	lazy := crashtest.Without(changes, func(n int, c crashtest.Change) bool { return n >= old && c.Kind == 's' })
	if _, wrong, err = crashtest.Explore(lazy, old, seed, 120, nil, crashtest.Folder(t), judge); err != nil || len(wrong) == 0 {
		t.Errorf("without flushes: %d wrong, %v; want some", len(wrong), err)
	}
}
