package edoc_test

import (
	"bytes"
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
	defer func() { _ = file.Close() }()
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
	t.Cleanup(func() { _ = f.Close() })
	random := rand.NewChaCha8([32]byte{})
	block := make([]byte, 1<<20)
	for at := int64(0); at < bigSize; at += 10 << 20 {
		if _, err := random.Read(block); err != nil {
			t.Fatal(err)
		}
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
