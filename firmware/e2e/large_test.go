package e2e

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/firmware/demo"
	"github.com/penjire/penjire/firmware/demo/shaper"
	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/envelope"
	"github.com/penjire/penjire/sync/outbox"
)

// queueScan puts request number n with a scan of that size into the kiosk's outbox,
// which nobody has open.
func (c *citizens) queueScan(t testing.TB, w *demo.World, n, size int) (edoc.ID, []byte) {
	t.Helper()
	box, err := outbox.Open(t.Context(), filepath.Join(w.Kiosk(), "state", "outbox"), outbox.Options{Kiosk: "K-000001"})
	if err != nil {
		t.Fatal(err)
	}
	scan := make([]byte, size)
	_, _ = rand.Read(scan)
	d, signer := c.document(n)
	doc, err := edoc.SignWith(d, []edoc.Attachment{{Name: "scan.jpg", MediaType: "image/jpeg", Content: edoc.Bytes(scan)}}, signer, d.Made)
	if err != nil {
		t.Fatal(err)
	}
	staged, err := box.Stage(t.Context(), func(w io.Writer) error { return envelope.SealTo(w, doc.WriteStored, c.to...) })
	if err == nil {
		_, err = box.Accept(context.Background(), outbox.Draft{
			Doc: outbox.Doc(doc.ID()), Code: doc.Code(), Service: d.Service, ServiceVersion: d.ServiceVersion, Lang: d.Lang,
			Staged: staged, Claimed: d.Made, Owner: outbox.Owner{1, 9}, Signature: doc.SignatureDigest(),
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := box.Close(); err != nil {
		t.Fatal(err)
	}
	return doc.ID(), scan
}

// resident returns the most memory that a program had at once, in MiB.
func (c *child) resident(t testing.TB) float64 {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(rest), " kB"))
			if err != nil {
				t.Fatal(err)
			}
			return float64(kib) / 1024
		}
	}
	t.Fatal("the kernel does not say how much memory a program has")
	return 0
}

// container downloads a request's container at the agency's desk; nil: it is not
// registered yet.
func (l *linked) container(agency string, id edoc.ID) []byte {
	l.t.Helper()
	officer := slices.IndexFunc(demo.Officers, func(o struct{ ID, Name, Agency string }) bool { return o.Agency == agency })
	if officer < 0 {
		l.t.Fatalf("no officer of %s", agency)
	}
	req, err := http.NewRequestWithContext(l.t.Context(), http.MethodGet,
		"http://127.0.0.1:8080/api/desk/requests/"+hex.EncodeToString(id[:])+"/container", nil)
	if err != nil {
		l.t.Fatal(err)
	}
	req.SetBasicAuth(demo.Officers[officer].ID, demo.OfficerPassword)
	r, err := l.far.Do(req)
	if err != nil {
		return nil // it was killed a moment ago
	}
	defer func() { _ = r.Body.Close() }()
	b, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		return nil
	}
	return b
}

// TestPromise_NothingLost_Large sends a scan of 12 MiB over a link that is cut, with
// either program killed in the middle; it is registered, and what the agency downloads
// is what was signed. PENJIRE_LARGE_MIB is another size.
func TestPromise_NothingLost_Large(t *testing.T) {
	size := 12 << 20
	if s := os.Getenv("PENJIRE_LARGE_MIB"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		size = n << 20
	}
	shape := shaper.Shape{Rate: 8_000_000, Delay: 40 * time.Millisecond, Loss: 0.002, Queue: 128 << 10}
	l := newLinked(t, shaper.Config{Up: shape, Down: shape, Seed: 1, Cuts: []shaper.Cut{
		{At: 8 * time.Second, For: 2 * time.Second}, {At: 16 * time.Second, For: 3 * time.Second},
	}})
	people := newCitizens(t, l.world)
	id, scan := people.queueScan(t, l.world, 0, size)
	people.queue(t, l.world, 1, 3)
	l.startPortal(true)
	l.startKiosk(true)
	began := time.Now()
	most := 0.0
	after := func(n int64) {
		t.Helper()
		for up, _ := l.link.Counts(); up.Bytes < n; up, _ = l.link.Counts() {
			if time.Since(began) > 5*time.Minute {
				t.Fatalf("%d bytes went up in %v", up.Bytes, time.Since(began))
			}
			<-time.After(50 * time.Millisecond)
		}
		most = max(most, l.kiosk.resident(t))
	}
	after(int64(size) / 4)
	l.kill(l.kiosk)
	l.startKiosk(true)
	after(int64(size) / 2)
	l.kill(l.portal)
	l.startPortal(true)
	after(int64(size) * 3 / 4)
	l.kill(l.kiosk)
	l.kill(l.portal)
	l.startPortal(true)
	l.startKiosk(true)
	var b []byte
	for b = l.container(people.service.Agency, id); b == nil; b = l.container(people.service.Agency, id) {
		if time.Since(began) > 5*time.Minute {
			s, err := l.kioskState()
			t.Fatalf("not registered after %v: %+v, %v", time.Since(began), s, err)
		}
		<-time.After(200 * time.Millisecond)
	}
	took := time.Since(began)
	most = max(most, l.kiosk.resident(t))
	c, err := edoc.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	files := c.Attachments()
	if c.ID() != id || len(files) != 1 {
		t.Fatalf("the desk has %x with %d attachments", c.ID(), len(files))
	}
	if got, err := io.ReadAll(files[0].Reader()); err != nil || !bytes.Equal(got, scan) {
		t.Errorf("the desk has %d bytes of the scan, %v", len(got), err)
	}
	up, _ := l.link.Counts()
	t.Logf("%d bytes in %v: %.3f times as many went up; the kiosk had %.1f MiB, the portal %.1f MiB",
		size, took.Round(time.Second), float64(up.Bytes)/float64(size), most, l.portal.resident(t))
	if float64(up.Bytes) > 1.35*float64(size) {
		t.Errorf("%d bytes went up for %d", up.Bytes, size)
	}
	if most > 48 {
		t.Errorf("the kiosk had %.1f MiB, want at most 48", most)
	}
}
