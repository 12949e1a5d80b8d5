package kiosk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/penjire/penjire/sync/citizen"
	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/envelope"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/portal"
	"github.com/penjire/penjire/ui/screen"
)

// complain makes a complaint without a card and returns its code.
func (r *rig) complain() string {
	r.t.Helper()
	r.begin("tk")
	r.do("apply")
	r.do("choose", "service", "complaint")
	r.do("begin")
	r.rules()
	r.fill()
	r.do("confirm")
	code, err := edoc.ParseCode(r.on(screen.Done).Done.Code)
	r.must(err)
	return code
}

// found returns the request with the code.
func (r *rig) found(code string) outbox.Request {
	r.t.Helper()
	q, err := r.k.box.ByCode(context.Background(), code)
	r.must(err)
	return q
}

// holding returns the files of dir that hold the code, or six bytes in a row
// that make it, as the first six of a document's hash would.
func holding(t *testing.T, dir, code string) (found []string) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		has := bytes.Contains(b, []byte(code)) || bytes.Contains(b, []byte(edoc.FormatCode(code)))
		for i := 0; i+6 <= len(b) && !has; i++ {
			has = b[i] != 0 && edoc.CodeOf(b[i:i+6]) == code
		}
		if has {
			found = append(found, filepath.Base(path))
		}
		return nil
	})
	if err != nil || files == 0 {
		t.Fatalf("look through %s: %d files, %v", dir, files, err)
	}
	return found
}

// Whoever takes the disk does not find the code of a request without a card,
// nor what it follows from, once the receipt is out: the answer stays closed.
func TestCodeLeavesWithThePaper(t *testing.T) {
	r := newRig(t)
	state := filepath.Join(r.dir, "state")
	r.must(r.cable.Unplug())
	r.start()
	code := r.complain()
	r.do("finish")
	if got := holding(t, state, code); len(got) != 1 || got[0] != "receipt.codes" {
		t.Fatalf("files with the code before it is printed: got %v, want receipt.codes", got)
	}
	r.stop() // the power goes before anything was printed
	r.start()
	job, ok, err := r.k.box.NextPrint(t.Context())
	if err != nil || !ok {
		t.Fatalf("NextPrint = %v, %v, want the receipt", ok, err)
	}
	req := r.found(code)
	if !bytes.Equal(r.drawn(job), r.drawnWith(req, code)) || bytes.Equal(r.drawn(job), r.drawnWith(req, "")) {
		t.Error("the receipt does not show the code")
	}
	r.must(r.cable.Replug())
	r.until("the receipt to be printed", func() bool { return r.found(code).Receipt == outbox.Printed })
	r.until("the code to be forgotten", func() bool { return len(r.k.codes.docs()) == 0 })

	r.online(nil)
	r.stage(outbox.Registered)
	r.decide(portal.AnswerDraft{Decision: ledger.Answered, Text: citizen.NewText("Seredildi")})
	r.stage(outbox.Answered)
	item, err := r.k.box.Item(t.Context(), req.Doc)
	r.must(err)
	r.stop()
	if got := holding(t, state, code); len(got) > 0 {
		t.Errorf("files with the code after it is printed: got %v, want none", got)
	}
	if _, err := envelope.OpenWithCode(item.Bytes, edoc.ID(req.Doc).Code()); !errors.Is(err, envelope.ErrNotForThis) {
		t.Errorf("OpenWithCode of what the document's hash gives = %v, want ErrNotForThis", err)
	}
	if _, err := envelope.OpenWithCode(item.Bytes, code); err != nil {
		t.Errorf("OpenWithCode of the paper's code = %v, want the answer", err)
	}
}

// The look through the files finds what is there to be found.
func TestHoldingFinds(t *testing.T) {
	dir := t.TempDir()
	id := edoc.ID{1, 2, 3, 4, 5, 6, 7}
	for name, b := range map[string]string{
		"plain": "x" + id.Code(), "grouped": edoc.FormatCode(id.Code()), "hash": "abc" + string(id[:]), "other": "nothing",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(b), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Join(holding(t, dir, id.Code()), " "); got != "grouped hash plain" {
		t.Errorf("files with the code: got %q, want grouped hash plain", got)
	}
}

// A power cut while the receipt is printed: the marked copy has the code still,
// and then nobody has.
func TestCodeOfMarkedCopy(t *testing.T) {
	r := newRig(t)
	r.must(r.cable.Unplug())
	r.start()
	code := r.complain()
	r.stop()
	box, err := outbox.Open(t.Context(), filepath.Join(r.dir, "state", "outbox"), outbox.Options{Kiosk: "K-000001"})
	r.must(err)
	job, ok, err := box.NextPrint(t.Context())
	if err != nil || !ok {
		t.Fatalf("NextPrint = %v, %v, want the receipt", ok, err)
	}
	r.must(box.StartPrint(t.Context(), job.ID))
	r.must(box.Close())

	r.start()
	r.k.forgetCodes(t.Context())
	if got := r.k.codes.of(job.Doc); got != code {
		t.Fatalf("code kept for the marked copy: got %q, want the citizen's", got)
	}
	r.must(r.cable.Replug())
	r.visit = ""
	r.do("reprint")
	r.until("the marked copy to be printed", func() bool { return r.found(code).Receipt == outbox.Printed })
	r.until("the code to be forgotten", func() bool { return len(r.k.codes.docs()) == 0 })
	r.stop()
	if got := holding(t, filepath.Join(r.dir, "state"), code); len(got) > 0 {
		t.Errorf("files with the code: got %v, want none", got)
	}
}

// A receipt that failed is offered again while its page is open, with its code;
// who leaves takes the code along.
func TestCodeOfFailedReceipt(t *testing.T) {
	r := newRig(t)
	r.must(r.cable.Unplug())
	r.start()
	code := r.complain()
	job, ok, err := r.k.box.NextPrint(t.Context())
	if err != nil || !ok {
		t.Fatalf("NextPrint = %v, %v, want the receipt", ok, err)
	}
	r.must(r.k.box.StartPrint(t.Context(), job.ID))
	r.must(r.k.box.EndPrint(t.Context(), job.ID, outbox.Failed, "printer.offline"))
	r.until("the page to offer the receipt", func() bool { return r.view().Done.Paper == screen.PaperFailed })
	r.k.forgetCodes(t.Context())
	if got := r.k.codes.of(job.Doc); got != code {
		t.Errorf("code kept while the page is open: got %q, want the citizen's", got)
	}
	if got := r.view().Done.Code; got != edoc.FormatCode(code) {
		t.Errorf("code of the page after news: got %q, want the citizen's", got)
	}
	r.leave()
	r.until("the code to be forgotten", func() bool { return r.k.codes.of(job.Doc) == "" })

	// With the code typed, the receipt is printed with it.
	r.begin("tk")
	r.do("track")
	r.do("track", "code", code)
	r.on(screen.Status)
	r.do("reprint")
	r.until("the receipt to be queued", func() bool { return r.found(code).Receipt == outbox.Queued })
	if got := r.k.codes.of(job.Doc); got != code {
		t.Errorf("code kept for the receipt asked for: got %q, want the one typed", got)
	}
}

// drawn is the paper of a job.
func (r *rig) drawn(job outbox.PrintJob) []byte {
	r.t.Helper()
	m, err := r.k.paper(r.t.Context(), job, 576, 203)
	r.must(err)
	return dots(r.t, m)
}

// drawnWith is the receipt of req with that code.
func (r *rig) drawnWith(req outbox.Request, code string) []byte {
	r.t.Helper()
	req.Code = code
	paper := r.k.receipt(req, false)
	paper.Seal = "" // signed anew at each drawing
	m, err := paper.Draw(576, 203)
	r.must(err)
	return dots(r.t, m)
}

// dots are the dots of the upper part of a receipt, above its seal.
func dots(t testing.TB, m image.Image) []byte {
	t.Helper()
	p, ok := m.(*image.Paletted)
	if !ok {
		t.Fatalf("paper: got %T, want *image.Paletted", m)
	}
	return p.Pix[:min(len(p.Pix), 500*p.Stride)]
}

// The file of the codes: what was kept is there again, what was forgotten or
// torn is not, and it grows only when it must.
func TestCodes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "receipt.codes")
	reopen := func(c *codes) *codes {
		t.Helper()
		if c != nil {
			if err := c.close(); err != nil {
				t.Fatal(err)
			}
		}
		c, err := openCodes(path)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := reopen(nil)
	doc := func(i int) outbox.Doc { return outbox.Doc{byte(i), byte(i >> 8), 1} }
	code := func(i int) string { return edoc.CodeOf(fmt.Appendf(nil, "%06d", i)) }
	const n = moreSlots + 3
	for i := range n {
		if err := errors.Join(c.keep(doc(i), code(i)), c.keep(doc(i), code(i))); err != nil {
			t.Fatal(err)
		}
	}
	c = reopen(c)
	for i := range n {
		if got := c.of(doc(i)); got != code(i) {
			t.Fatalf("code %d: got %q, want %q", i, got, code(i))
		}
	}
	for i := 1; i < n; i++ {
		if err := c.forget(doc(i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.keep(doc(n), code(n)); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil || len(b) != 2*moreSlots*slotLen || bytes.Count(b, []byte{0}) < len(b)-2*slotLen {
		t.Errorf("file: %d bytes, %v, want %d, all zeros but two codes", len(b), err, 2*moreSlots*slotLen)
	}
	b[40]++ // as the power left it
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	c = reopen(c)
	if got := c.docs(); len(got) != 1 || got[0] != doc(n) {
		t.Errorf("documents: got %d, want the one that is whole", len(got))
	}
	if err := c.close(); err != nil {
		t.Fatal(err)
	}
	if err := c.keep(doc(1), code(1)); err == nil {
		t.Error("keep in a closed file = nil, want an error")
	}
}
