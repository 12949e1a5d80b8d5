package devicetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/device"
)

// DocumentRig is a document printer's driver with the printer in reach.
type DocumentRig struct {
	Dev   device.DocumentPrinter
	Hands DocumentHands
	limit time.Duration // set by the suite
}

// DocumentHands are what can be done to a document printer by hand, and what can
// be seen. A sheet takes it some time.
type DocumentHands interface {
	SetPaper(device.Paper)
	SetCover(device.Cover)
	SetToner(percent int)
	Unplug()
	Replug()
	// LosePower turns it off and on: it forgets its jobs and counts anew.
	LosePower()
	// After does f when that many sheets more are out.
	After(sheets int, f func())
	// Next makes something happen to the next document that is sent.
	Next(DocumentMishap)
	// Printed are the documents that came out, whole or in part, oldest first.
	Printed() []Sheets
}

// Sheets is what came out of a document.
type Sheets struct {
	PDF   []byte
	Count int
	Whole bool
}

// DocumentMishap is something that happens while a document is sent.
type DocumentMishap int

// The mishaps.
const (
	CutInDocument  DocumentMishap = 1 // the line is cut before the printer has all of it
	CutAfterIt     DocumentMishap = 2 // the printer has it, and the line is cut before the answer
	CutInAnswer    DocumentMishap = 3
	NonsenseAnswer DocumentMishap = 4
	NoAnswer       DocumentMishap = 5 // the printer has it, and is silent
	NotTaken       DocumentMishap = 6 // the printer stops reading, and is silent
	StaleAnswer    DocumentMishap = 7 // the answer is to another request
	PowerCut       DocumentMishap = 8 // the printer has it, and loses its power
	JobAborted     DocumentMishap = 9 // taken, and given up after one sheet
	BusyTwice      DocumentMishap = 10
	JobSpoilt      DocumentMishap = 11 // taken, given up after one sheet, and called complete with errors
)

// DocumentPrinter runs the suite of device.DocumentPrinter in the kind of time
// given. plug makes a printer with A4 paper, plugged in, and its driver, and
// undoes both when its t ends.
func DocumentPrinter(t *testing.T, in Time, plug func(t *testing.T) DocumentRig) {
	run := func(name string, f func(t *testing.T, r DocumentRig)) {
		t.Run(name, func(t *testing.T) {
			in.run(t, func(t *testing.T) {
				r := plug(t)
				r.limit = in.limit
				within(t, r.Dev, r.limit, "online", func() bool { return r.Dev.Health() == device.Online })
				f(t, r)
			})
		})
	}
	run("prints what was sent", printsDocuments)
	run("says printed when it is", saysPrinted)
	run("refuses nonsense", refusesDocuments)
	run("says paper, cover and toner", saysSupplies)
	for name, h := range documentHurts {
		run(name+" before", func(t *testing.T, r DocumentRig) { documentHurtBefore(t, r, h) })
		run(name+" during", func(t *testing.T, r DocumentRig) { documentHurtDuring(t, r, h) })
	}
	for m, want := range documentMishaps {
		run(want.name, func(t *testing.T, r DocumentRig) { documentMishap(t, r, m, want) })
	}
	run("unplugged while it prints", unpluggedDocument)
	run("another's job under the same number", reusedNumber)
	run("cancels", cancelsDocument)
	run("caller gives up", documentCallerGivesUp)
	run("documents wait for one another", documentsWait)
	run("halts", haltsDocumentPrinter)
}

// Paper returns a PDF of that many pages that no other seed gives.
func Paper(pages int, seed byte) device.Document {
	b := new(bytes.Buffer)
	at := []int{0}
	object := func(s string) {
		at = append(at, b.Len())
		fmt.Fprintf(b, "%d 0 obj\n%s\nendobj\n", len(at)-1, s)
	}
	b.WriteString("%PDF-1.4\n")
	object("<< /Type /Catalog /Pages 2 0 R >>")
	var kids []string
	for i := range pages {
		kids = append(kids, fmt.Sprintf("%d 0 R", 3+2*i))
	}
	object(fmt.Sprintf("<< /Type /Pages /Count %d /Kids [ %s ] >>", pages, strings.Join(kids, " ")))
	for i := range pages {
		object(fmt.Sprintf("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R >>", 4+2*i))
		// More than a line holds at once, so that it can be cut in the middle.
		ink := strings.Repeat(fmt.Sprintf("%d %d m 500 %d l S\n", seed, 10+i, 800-int(seed)), 20000/pages)
		object(fmt.Sprintf("<< /Length %d >>\nstream\n%sendstream", len(ink), ink))
	}
	xref := b.Len()
	fmt.Fprintf(b, "xref\n0 %d\n0000000000 65535 f \n", len(at))
	for _, n := range at[1:] {
		fmt.Fprintf(b, "%010d 00000 n \n", n)
	}
	fmt.Fprintf(b, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(at), xref)
	return device.Document{Name: "copy", PDF: bytes.NewReader(b.Bytes()), Pages: pages}
}

// content returns the bytes of d, and rewinds it.
func content(t *testing.T, d device.Document) []byte {
	t.Helper()
	r := d.PDF.(*bytes.Reader)
	b := make([]byte, r.Size())
	if _, err := r.ReadAt(b, 0); err != nil {
		t.Fatalf("read the document: %v", err)
	}
	return b
}

// out returns what came out of d, which must be at most one print.
func (r DocumentRig) out(t *testing.T, d device.Document) Sheets {
	t.Helper()
	var got []Sheets
	for _, s := range r.Hands.Printed() {
		if bytes.Equal(s.PDF, content(t, d)) {
			got = append(got, s)
		}
	}
	if len(got) > 1 {
		t.Fatalf("prints of one document: got %d, want at most 1", len(got))
	}
	if got == nil {
		return Sheets{}
	}
	return got[0]
}

// follow waits until the job is in one of those states and returns it.
func (r DocumentRig) follow(t *testing.T, id device.JobID, states ...device.JobState) device.Job {
	t.Helper()
	var j device.Job
	within(t, r.Dev, 10*r.limit, fmt.Sprintf("job %d %v", id, states), func() bool {
		var err error
		j, err = r.Dev.Job(t.Context(), id)
		if err != nil {
			return false
		}
		return slices.Contains(states, j.State)
	})
	return j
}

// printDocument prints d whole.
func printDocument(t *testing.T, r DocumentRig, d device.Document) {
	t.Helper()
	id, err := r.Dev.Submit(t.Context(), d)
	if err != nil || id < 1 {
		t.Fatalf("Submit = %d, %v, want a job", id, err)
	}
	r.follow(t, id, device.JobCompleted)
	if s := r.out(t, d); !s.Whole || s.Count != d.Pages*max(1, d.Copies) {
		t.Fatalf("printed: got %d sheets, whole %v, want %d", s.Count, s.Whole, d.Pages)
	}
}

func printsDocuments(t *testing.T, r DocumentRig) {
	for i, n := range []int{1, 2, 7} {
		printDocument(t, r, Paper(n, byte(i)))
	}
	d := Paper(2, 9)
	d.Copies = 3
	printDocument(t, r, d)
	if n := len(r.Hands.Printed()); n != 4 {
		t.Errorf("prints: got %d, want 4", n)
	}
}

// saysPrinted asks again and again, and wants no print announced that is not there.
func saysPrinted(t *testing.T, r DocumentRig) {
	d := Paper(5, 1)
	id, err := r.Dev.Submit(t.Context(), d)
	if err != nil {
		t.Fatalf("Submit = %v, want nil", err)
	}
	last := 0
	for changes := r.Dev.Changes(t.Context()); ; <-changes {
		j, err := r.Dev.Job(t.Context(), id)
		if err != nil {
			t.Fatalf("Job = %v, want nil", err)
		}
		if j.Sheets < last || j.Sheets > d.Pages || j.ID != id {
			t.Errorf("Job = %+v after %d sheets", j, last)
		}
		last = j.Sheets
		if j.State == device.JobCompleted {
			break
		}
	}
	if s := r.out(t, d); !s.Whole {
		t.Errorf("Job said completed: got %+v printed, want all of it", s.Count)
	}
}

func refusesDocuments(t *testing.T, r DocumentRig) {
	for name, f := range map[string]func(*device.Document){
		"no content":     func(d *device.Document) { d.PDF = nil },
		"no pages":       func(d *device.Document) { d.Pages = 0 },
		"minus copies":   func(d *device.Document) { d.Copies = -1 },
		"too many":       func(d *device.Document) { d.Copies = 1 << 20 },
		"not a PDF":      func(d *device.Document) { d.PDF = strings.NewReader("Hello, printer") },
		"empty PDF":      func(d *device.Document) { d.PDF = strings.NewReader("") },
		"name too long":  func(d *device.Document) { d.Name = strings.Repeat("x", 300) },
		"unreadable PDF": func(d *device.Document) { d.PDF = unreadable{} },
	} {
		d := Paper(1, 1)
		f(&d)
		id, err := r.Dev.Submit(t.Context(), d)
		if e, ok := errors.AsType[*device.Error](err); id != 0 || !ok || e.SideEffect != device.SideEffectNo {
			t.Errorf("%s: Submit = %d, %v, want no side effect", name, id, err)
		}
		// Of what cannot be read nobody knows before.
		if err := r.Dev.Takes(t.Context(), d); !strings.Contains(name, "PDF") && !errors.Is(err, device.ErrUnsupported) {
			t.Errorf("%s: Takes = %v, want ErrUnsupported", name, err)
		}
	}
	if err := r.Dev.Takes(t.Context(), Paper(1, 1)); err != nil {
		t.Errorf("Takes of a paper = %v, want nil", err)
	}
	if n := len(r.Hands.Printed()); n != 0 {
		t.Errorf("prints: got %d, want 0", n)
	}
	if j, err := r.Dev.Job(t.Context(), 12345); err != nil || j.State != device.JobUnknown {
		t.Errorf("Job of nobody = %v, %v, want unknown", j, err)
	}
}

// unreadable is a file on a disk that fails.
type unreadable struct{}

func (unreadable) Seek(_ int64, whence int) (int64, error) { return int64(whence) * 500, nil }
func (unreadable) Read([]byte) (int, error)                { return 0, errors.New("disk is broken") }

func saysSupplies(t *testing.T, r DocumentRig) {
	for _, want := range []device.Media{
		{Paper: device.PaperLow, Cover: device.CoverClosed},
		{Paper: device.PaperOut, Cover: device.CoverClosed},
		{Paper: device.PaperFull, Cover: device.CoverOpen},
		{Paper: device.PaperJammed, Cover: device.CoverClosed},
		{Paper: device.PaperFull, Cover: device.CoverClosed},
	} {
		r.Hands.SetCover(want.Cover)
		r.Hands.SetPaper(want.Paper)
		health := device.UserError
		if want.Cover == device.CoverClosed && (want.Paper == device.PaperLow || want.Paper == device.PaperFull) {
			health = device.Online
		}
		within(t, r.Dev, r.limit, fmt.Sprintf("health %v with %v", health, want), func() bool { return r.Dev.Health() == health })
		if m, err := r.Dev.Media(t.Context()); err != nil || m != want {
			t.Errorf("Media = %v, %v, want %v", m, err, want)
		}
	}
	for percent, want := range map[int]device.Toner{60: device.TonerFull, 5: device.TonerLow, 0: device.TonerOut} {
		r.Hands.SetToner(percent)
		all, err := r.Dev.Supplies(t.Context())
		if err != nil || len(all) == 0 || all[0].Percent != percent || all[0].State != want {
			t.Errorf("Supplies with %d %% = %v, %v, want that first and %s", percent, all, err, want)
		}
	}
	r.Hands.SetToner(0)
	_, err := r.Dev.Submit(t.Context(), Paper(1, 1))
	wantError(t, "Submit without toner", err, device.ErrNoToner, device.SideEffectNo)
}

// documentCancelTime is what a caller waits for before it gives up in the suite.
const documentCancelTime = 300 * time.Millisecond

func documentCallerGivesUp(t *testing.T, r DocumentRig) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := r.Dev.Submit(ctx, Paper(1, 1))
	wantError(t, "Submit with an ended context", err, context.Canceled, device.SideEffectNo)

	r.Hands.Next(NotTaken)
	ctx, cancel = context.WithTimeout(t.Context(), documentCancelTime)
	defer cancel()
	begin := time.Now()
	d := Paper(3, 2)
	_, err = r.Dev.Submit(ctx, d)
	if e, ok := errors.AsType[*device.Error](err); !ok || e.SideEffect == device.SideEffectYes {
		t.Errorf("Submit with a context that ends = %v, want a *device.Error", err)
	}
	if took := time.Since(begin); took > documentCancelTime+r.limit {
		t.Errorf("Submit returned after %v, want it when its context ended", took)
	}
	printDocument(t, r, Paper(1, 3))
	if s := r.out(t, d); s.Whole {
		t.Errorf("printed of what was given up: got %d sheets, want none", s.Count)
	}
}

func documentsWait(t *testing.T, r DocumentRig) {
	var all sync.WaitGroup
	for i := range byte(4) {
		all.Go(func() { printDocument(t, r, Paper(1+int(i), 10+i)) })
	}
	all.Wait()
	if n := len(r.Hands.Printed()); n != 4 {
		t.Errorf("prints: got %d, want 4", n)
	}
}
