package edoc_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/specimen"
	"github.com/penjire/penjire/sync/edoc/trust"
)

// bigEnv makes this test binary the process whose memory TestBigAttachment
// looks at.
const bigEnv = "PENJIRE_TEST_BIG_ATTACHMENT"

const (
	bigSize = 300 << 20
	bigHeap = 16 << 20
)

// An attachment of 300 MiB is signed, written, opened, verified and read in
// under 16 MiB of heap: of everything that the runtime has from the system for
// it. unzip finds the file in order.
func TestBigAttachment(t *testing.T) {
	if dir := os.Getenv(bigEnv); dir != "" {
		fmt.Printf("heap %d\n", throughBig(t, dir))
		return
	}
	dir := t.TempDir()
	peak := bigInProcess(t, dir)
	t.Logf("%d MiB attached: at most %.1f MiB of heap", bigSize>>20, float64(peak)/(1<<20))
	if peak == 0 || peak > bigHeap {
		t.Errorf("got %d bytes of heap, want at most %d", peak, bigHeap)
	}
	peers(t, "unzip")
	if out, code := run(t, dir, "unzip", "-tq", "big.asice"); code != 0 {
		t.Errorf("unzip: %d\n%s", code, out)
	}
}

func BenchmarkBig(b *testing.B) {
	peak := uint64(0)
	for b.Loop() {
		peak = max(peak, bigInProcess(b, b.TempDir()))
	}
	b.ReportMetric(float64(peak)/(1<<20), "MiB-heap")
}

// bigInProcess goes through it in a process of its own, whose heap nobody else
// has used, and returns the most that it had.
func bigInProcess(t testing.TB, dir string) (peak uint64) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestBigAttachment$", "-test.bench=^$")
	cmd.Env = append(os.Environ(), bigEnv+"="+dir)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if _, err := fmt.Sscanf(string(out), "heap %d\n", &peak); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return peak
}

// throughBig signs, writes, opens, verifies and reads, and returns the most heap
// that there was at any hundredth reading.
func throughBig(t *testing.T, dir string) uint64 {
	w := world(t)
	c := card(t, w, "citizen-1")
	scan := &watched{f: bigFile(t, filepath.Join(dir, "scan"))}
	k, err := edoc.SignWith(request(c), []edoc.Attachment{
		{Name: "scan.tiff", MediaType: "image/tiff", Content: edoc.At(scan, bigSize)},
	}, c.Slots[specimen.SlotSign].Signer(), now)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.Create(filepath.Join(dir, "big.asice"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	size, err := k.WriteTo(file)
	if err != nil {
		t.Fatal(err)
	}
	made := &watched{f: file, peak: scan.peak}
	got, err := edoc.Open(made, size)
	if err != nil {
		t.Fatal(err)
	}
	if r := got.Verify(w.Trust(), now); !r.Accepted() {
		t.Fatalf("whole %v, signer %v, revocation %v", r.Whole, r.Signer, r.Revocation)
	}
	if n, err := io.Copy(io.Discard, got.Attachments()[0].Reader()); n != bigSize || err != nil {
		t.Fatalf("read %d bytes: %v", n, err)
	}
	if got.ID() != k.ID() {
		t.Error("it is another document")
	}
	return made.peak
}

// bigFile makes a file of bigSize bytes with holes in it.
func bigFile(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	random := rand.NewChaCha8([32]byte{})
	block := make([]byte, 1<<20)
	for at := int64(0); at < bigSize; at += 10 << 20 {
		random.Read(block)
		if _, err := f.WriteAt(block, at); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Truncate(bigSize); err != nil {
		t.Fatal(err)
	}
	return f
}

// watched notes how much heap there is while a file is read.
type watched struct {
	f     *os.File
	reads int
	peak  uint64
}

func (w *watched) ReadAt(p []byte, at int64) (int, error) {
	if w.reads++; w.reads%100 == 0 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		w.peak = max(w.peak, m.HeapSys-m.HeapReleased)
	}
	return w.f.ReadAt(p, at)
}

// attached returns a signed container with one attachment, as its file.
func attached(t *testing.T, w *specimen.World, content edoc.Content) *edoc.Container {
	t.Helper()
	c := card(t, w, "citizen-1")
	k, err := edoc.SignWith(request(c), []edoc.Attachment{
		{Name: "scan.tiff", MediaType: "image/tiff", Content: content},
	}, c.Slots[specimen.SlotSign].Signer(), now)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// What is written packed is the same document as what is written stored, and
// both are read by Parse and by Open.
func TestTwoForms(t *testing.T) {
	w := world(t)
	k := attached(t, w, edoc.Bytes(strings.Repeat("a scanned page ", 1000)))
	var packed bytes.Buffer
	n, err := k.WriteTo(&packed)
	if err != nil || n != int64(packed.Len()) {
		t.Fatalf("got %d of %d bytes, %v", n, packed.Len(), err)
	}
	stored := k.Bytes()
	if packed.Len() >= len(stored)*3/4 {
		t.Errorf("packed it has %d bytes, stored %d", packed.Len(), len(stored))
	}
	for name, b := range map[string][]byte{"packed": packed.Bytes(), "stored": stored} {
		for how, read := range map[string]func() (*edoc.Container, error){
			"parse": func() (*edoc.Container, error) { return edoc.Parse(b) },
			"open":  func() (*edoc.Container, error) { return edoc.Open(bytes.NewReader(b), int64(len(b))) },
		} {
			got, err := read()
			if err != nil {
				t.Fatalf("%s, %s: %v", name, how, err)
			}
			if r := got.Verify(w.Trust(), now); !r.Accepted() || got.ID() != k.ID() {
				t.Errorf("%s, %s: %v %v", name, how, r.Whole, r.Signer)
			}
			if !bytes.Equal(got.Bytes(), stored) {
				t.Errorf("%s, %s: written again it is something else", name, how)
			}
			data, err := io.ReadAll(got.Attachments()[0].Reader())
			if err != nil || string(data) != strings.Repeat("a scanned page ", 1000) {
				t.Errorf("%s, %s: the attachment reads back as %d bytes, %v", name, how, len(data), err)
			}
		}
	}
}

// A file that is written to, grows or shrinks between signing and writing makes
// no container.
func TestAttachmentChangesBeforeWriting(t *testing.T) {
	w := world(t)
	data := bytes.Repeat([]byte("page "), 50_000)
	for name, change := range map[string]func(*source){
		"first byte": func(s *source) { s.b[0]++ },
		"last byte":  func(s *source) { s.b[len(s.b)-1]++ },
		"truncated":  func(s *source) { s.b = s.b[:len(s.b)-1] },
		"empty":      func(s *source) { s.b = nil },
		"unreadable": func(s *source) { s.err = errors.New("the stick was pulled") },
	} {
		s := &source{b: bytes.Clone(data)}
		k := attached(t, w, edoc.At(s, int64(len(data))))
		change(s)
		var out bytes.Buffer
		_, err := k.WriteTo(&out)
		if want := cmpErr(s.err, edoc.ErrChanged); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", name, err, want)
		}
		if _, err := edoc.Parse(out.Bytes()); err == nil {
			t.Errorf("%s: what was written is a container", name)
		}
		if k.Bytes() != nil {
			t.Errorf("%s: there are bytes of it", name)
		}
		if _, err := io.Copy(io.Discard, k.Attachments()[0].Reader()); err == nil {
			t.Errorf("%s: it can be read", name)
		}
	}
}

// A container that changes between its check and the reading of an attachment
// does not give what was not checked.
func TestContainerChangesAfterOpen(t *testing.T) {
	w := world(t)
	data := bytes.Repeat([]byte("page "), 50_000)
	file := attached(t, w, edoc.Bytes(data)).Bytes()
	at := bytes.Index(file, data)
	for name, change := range map[string]func(*source){
		"first byte":  func(s *source) { s.b[at]++ },
		"last byte":   func(s *source) { s.b[at+len(data)-1]++ },
		"cut":         func(s *source) { s.b = s.b[:at+1000] },
		"another one": func(s *source) { copy(s.b[at:], bytes.Repeat([]byte("rage "), 50_000)) },
	} {
		s := &source{b: bytes.Clone(file)}
		k, err := edoc.Open(s, int64(len(file)))
		if err != nil {
			t.Fatal(err)
		}
		if r := k.Verify(w.Trust(), now); !r.Accepted() {
			t.Fatal(r.Whole)
		}
		change(s)
		if _, err := io.Copy(io.Discard, k.Attachments()[0].Reader()); !errors.Is(err, edoc.ErrChanged) && !strings.Contains(err.Error(), "size") {
			t.Errorf("%s: got %v", name, err)
		}
		if _, err := k.WriteTo(io.Discard); err == nil {
			t.Errorf("%s: it was written", name)
		}
		// What was checked stays what it was.
		if r := k.Verify(w.Trust(), now); r.Whole.Verdict != trust.Yes {
			t.Errorf("%s: the check now says %v", name, r.Whole)
		}
	}
}

// Whatever changes while a container is being opened, it is opened as something
// that one reading gave, or not at all.
func TestContainerChangesWhileOpening(t *testing.T) {
	w := world(t)
	c := card(t, w, "citizen-1")
	a := sign(t, request(c), c.Slots[specimen.SlotSign].Signer(), now)
	d := request(c)
	d.Heading = "Sargytnamy" // as long as the other
	b := sign(t, d, c.Slots[specimen.SlotSign].Signer(), now)
	one, two := a.Bytes(), b.Bytes()
	opened := 0
	for after := range 40 {
		k, err := edoc.Open(&turncoat{one: one, two: two, after: after}, int64(len(one)))
		if err != nil {
			continue
		}
		if k.Verify(w.Trust(), now).Whole.Verdict != trust.Yes {
			continue
		}
		opened++
		if k.ID() != a.ID() && k.ID() != b.ID() {
			t.Errorf("after %d readings: a third document", after)
		}
	}
	if opened == 0 {
		t.Error("it is never opened")
	}
}

// turncoat is another file from the nth reading on.
type turncoat struct {
	one, two []byte
	after    int
}

func (f *turncoat) ReadAt(p []byte, at int64) (int, error) {
	b := f.two
	if f.after > 0 {
		f.after--
		b = f.one
	}
	return (&source{b: b}).ReadAt(p, at)
}

func cmpErr(first, second error) error {
	if first != nil {
		return first
	}
	return second
}

// source is a file that can change.
type source struct {
	b   []byte
	err error
}

func (s *source) ReadAt(p []byte, at int64) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	return bytes.NewReader(s.b).ReadAt(p, at)
}
