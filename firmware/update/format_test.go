package update

import (
	"bytes"
	"compress/gzip"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/penjire/penjire/boards/layout"
	"github.com/penjire/penjire/sync/journal"
	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/release"
)

var writeFormat = flag.Bool("format", false, "write testdata/format-N.db.gz of the format that this software writes, if it is not there")

const inFormat = "left by the software of that format"

// TestReadsTheFormatBefore opens an outbox that software of each format left which
// this software says that it reads: the slot of before may start again, and the next
// one finds what this one wrote. Raising layout.DataFormat without a file of the
// format before fails here.
func TestReadsTheFormatBefore(t *testing.T) {
	if *writeFormat {
		leave(t, formatName(layout.DataFormat))
	}
	r := Reads()
	if r.Max != layout.DataFormat || r.Min > r.Max || layout.DataFormat > 1 && r.Min > layout.DataFormat-1 {
		t.Fatalf("Reads = %+v, want the format before %d too", r, layout.DataFormat)
	}
	for n := r.Min; n <= r.Max; n++ {
		if err := CheckFormat(n); err != nil {
			t.Error(err)
		}
		dir := filepath.Join(t.TempDir(), "outbox")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		packed, err := os.ReadFile(formatName(n))
		if err != nil {
			t.Fatalf("format %d: %v", n, err)
		}
		z, err := gzip.NewReader(bytes.NewReader(packed))
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(z)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "outbox.db"), b, 0o600); err != nil {
			t.Fatal(err)
		}
		box, err := outbox.Open(t.Context(), dir, outbox.Options{Kiosk: "K-000001", Boot: "now"})
		if err != nil {
			t.Fatalf("format %d: %v", n, err)
		}
		if e, err := box.Entry(t.Context(), 1); err != nil || e.Fields.Reason != inFormat {
			t.Errorf("format %d: entry = %+v, %v", n, e, err)
		}
		if err := box.Check(t.Context()); err != nil {
			t.Errorf("format %d: %v", n, err)
		}
		if err := box.Close(); err != nil {
			t.Error(err)
		}
	}
	for _, n := range []uint32{0, layout.DataFormat + 1} {
		if CheckFormat(n) == nil {
			t.Errorf("CheckFormat(%d) = nil, want an error", n)
		}
	}
}

func formatName(n uint32) string { return fmt.Sprintf("testdata/format-%d.db.gz", n) }

// leave writes an outbox as this software leaves one.
func leave(t *testing.T, name string) {
	t.Helper()
	if _, err := os.Stat(name); err == nil {
		t.Fatalf("%s is there, and is never written anew", name)
	}
	dir := filepath.Join(t.TempDir(), "outbox")
	box, err := outbox.Open(t.Context(), dir, outbox.Options{Kiosk: "K-000001", Boot: "then"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := box.Append(t.Context(), journal.Entry{Kind: journal.Update, Boot: "then", At: time.Unix(1, 0), Fields: journal.Fields{Reason: inFormat}}); err != nil {
		t.Fatal(err)
	}
	if err := box.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "outbox.db"))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := z.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestJudge: each thing that the gate looks at keeps it closed, until it is too late,
// and what was not well before is not asked for.
func TestJudge(t *testing.T) {
	before := Health{Painted: true, Devices: []string{"printer", "reader"}, Outbox: true, Epoch: []byte{1}, Journal: 9, Root: []byte{9}, Portal: true}
	well := before
	well.Journal, well.Root, well.Then = 11, []byte{11}, []byte{9}
	for name, tt := range map[string]struct {
		change func(*Health)
		want   release.Code
	}{
		"well":          {func(*Health) {}, release.CodeGood},
		"dark":          {func(h *Health) { h.Painted = false }, release.CodeScreen},
		"device":        {func(h *Health) { h.Devices = []string{"reader"} }, release.CodeDevices},
		"more devices":  {func(h *Health) { h.Devices = []string{"x", "printer", "reader"} }, release.CodeGood},
		"alarm":         {func(h *Health) { h.Outbox = false }, release.CodeOutbox},
		"another epoch": {func(h *Health) { h.Epoch = []byte{2} }, release.CodeOutbox},
		"shorter":       {func(h *Health) { h.Journal = 8 }, release.CodeJournal},
		"rewritten":     {func(h *Health) { h.Then = []byte{8} }, release.CodeJournal},
		"no portal":     {func(h *Health) { h.Portal = false }, release.CodePortal},
	} {
		h := well
		tt.change(&h)
		for _, up := range []time.Duration{0, leastTrial, mostTrial} {
			code, done := Judge(before, h, up)
			if wantDone := up >= mostTrial || tt.want == release.CodeGood && up >= leastTrial; code != tt.want || done != wantDone {
				t.Errorf("%s after %v: Judge = %s, %v, want %s, %v", name, up, code, done, tt.want, wantDone)
			}
		}
	}
	sick := Health{Outbox: false, Epoch: []byte{1}, Journal: 9, Root: []byte{9}}
	now := Health{Epoch: []byte{1}, Journal: 9, Then: []byte{9}}
	if code, done := Judge(sick, now, leastTrial); code != release.CodeGood || !done {
		t.Errorf("a kiosk that was not well before: Judge = %s, %v, want good", code, done)
	}
}
