package devicetest

import (
	"errors"
	"io"
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/device"
)

// documentHurt is something that keeps a document printer from printing, and its
// cure.
type documentHurt struct {
	do, undo func(h DocumentHands)
	cause    error
	health   device.Health
}

var documentHurts = map[string]documentHurt{
	"paper out": {
		func(h DocumentHands) { h.SetPaper(device.PaperOut) }, func(h DocumentHands) { h.SetPaper(device.PaperFull) },
		device.ErrNoPaper, device.UserError,
	},
	"cover open": {
		func(h DocumentHands) { h.SetCover(device.CoverOpen) }, func(h DocumentHands) { h.SetCover(device.CoverClosed) },
		device.ErrCoverOpen, device.UserError,
	},
	"jam": {
		func(h DocumentHands) { h.SetPaper(device.PaperJammed) }, func(h DocumentHands) { h.SetPaper(device.PaperFull) },
		device.ErrPaperJam, device.UserError,
	},
	"no toner": {
		func(h DocumentHands) { h.SetToner(0) }, func(h DocumentHands) { h.SetToner(80) },
		device.ErrNoToner, device.UserError,
	},
	"unplugged": {DocumentHands.Unplug, DocumentHands.Replug, device.ErrUnplugged, device.NoDevice},
}

func documentHurtBefore(t *testing.T, r DocumentRig, h documentHurt) {
	h.do(r.Hands)
	d := Paper(2, 1)
	_, err := r.Dev.Submit(t.Context(), d)
	wantError(t, "Submit", err, h.cause, device.SideEffectNo)
	within(t, r.Dev, r.limit, "health "+string(h.health), func() bool { return r.Dev.Health() == h.health })
	if h.health == device.NoDevice {
		m, err := r.Dev.Media(t.Context())
		if m.Paper != device.PaperUnknown || m.Cover != device.CoverUnknown || !errors.Is(err, device.ErrUnplugged) {
			t.Errorf("Media = %v, %v, want unknown and ErrUnplugged", m, err)
		}
	}
	h.undo(r.Hands)
	within(t, r.Dev, r.limit, "online again", func() bool { return r.Dev.Health() == device.Online })
	printDocument(t, r, d)
	if n := len(r.Hands.Printed()); n != 1 {
		t.Errorf("prints: got %d, want 1: nothing of the job that was refused", n)
	}
}

// documentHurtDuring: what a person can mend stops the job, which goes on then.
func documentHurtDuring(t *testing.T, r DocumentRig, h documentHurt) {
	if h.health == device.NoDevice {
		unpluggedDocument(t, r)
		return
	}
	r.Hands.After(1, func() { h.do(r.Hands) })
	d := Paper(4, 1)
	id, err := r.Dev.Submit(t.Context(), d)
	if err != nil {
		t.Fatalf("Submit = %v, want nil", err)
	}
	if j := r.follow(t, id, device.JobStopped); len(j.Reasons) == 0 {
		t.Errorf("Job = %+v, want a reason", j)
	}
	within(t, r.Dev, r.limit, "health "+string(h.health), func() bool { return r.Dev.Health() == h.health })
	h.undo(r.Hands)
	r.follow(t, id, device.JobCompleted)
	if s := r.out(t, d); !s.Whole {
		t.Errorf("printed: got %d sheets, want all", s.Count)
	}
}

// outcome is what may come of a document.
type outcome struct {
	name  string
	id    bool              // Submit succeeds
	state device.JobState   // then the job comes to this
	may   device.SideEffect // otherwise; SideEffectUnknown is always honest
	least int               // sheets that come out
}

var documentMishaps = map[DocumentMishap]outcome{
	CutInDocument:  {"cut in the document", false, "", device.SideEffectNo, 0},
	CutAfterIt:     {"answer lost", true, device.JobCompleted, 0, 3},
	CutInAnswer:    {"half an answer", true, device.JobCompleted, 0, 3},
	NonsenseAnswer: {"answer is nonsense", true, device.JobCompleted, 0, 3},
	NoAnswer:       {"no answer", true, device.JobCompleted, 0, 3},
	NotTaken:       {"document not taken", false, "", device.SideEffectNo, 0},
	StaleAnswer:    {"answer to another request", true, device.JobCompleted, 0, 3},
	PowerCut:       {"power cut", false, "", device.SideEffectUnknown, 0},
	JobAborted:     {"job aborted", true, device.JobAborted, 0, 1},
	JobSpoilt:      {"job complete with errors", true, device.JobAborted, 0, 1},
	BusyTwice:      {"printer is busy", true, device.JobCompleted, 0, 3},
}

func documentMishap(t *testing.T, r DocumentRig, m DocumentMishap, want outcome) {
	r.Hands.Next(m)
	d := Paper(3, 1)
	id, err := r.Dev.Submit(t.Context(), d)
	if (err == nil) != want.id || (id != 0) != want.id {
		t.Errorf("Submit = %d, %v, want success %v", id, err, want.id)
	}
	if err != nil {
		e, ok := errors.AsType[*device.Error](err)
		if !ok || e.SideEffect != want.may && e.SideEffect != device.SideEffectUnknown {
			t.Errorf("Submit = %v, want a *device.Error of %v", err, want.may)
		}
		if s := r.out(t, d); ok && e.SideEffect == device.SideEffectNo && s.Count > 0 {
			t.Errorf("printed: got %d sheets after %v", s.Count, err)
		}
	} else if want.id {
		r.follow(t, id, want.state)
	}
	if s := r.out(t, d); s.Count < want.least || s.Whole != (want.state == device.JobCompleted) && want.id {
		t.Errorf("printed: got %d sheets, whole %v, want %s", s.Count, s.Whole, want.state)
	}
	printDocument(t, r, Paper(2, 2))
	r.out(t, d) // still at most one
}

// unpluggedDocument pulls the network cable: the printer prints on, and is asked
// when it is back.
func unpluggedDocument(t *testing.T, r DocumentRig) {
	d := Paper(4, 1)
	id, err := r.Dev.Submit(t.Context(), d)
	if err != nil {
		t.Fatalf("Submit = %v, want nil", err)
	}
	r.Hands.Unplug()
	within(t, r.Dev, r.limit, "noDevice", func() bool { return r.Dev.Health() == device.NoDevice })
	j, err := r.Dev.Job(t.Context(), id)
	if j.State != device.JobUnknown {
		t.Errorf("Job of an unplugged printer = %v, want unknown", j)
	}
	wantError(t, "Job", err, device.ErrUnplugged, device.SideEffectNo)
	r.Hands.Replug()
	within(t, r.Dev, r.limit, "online", func() bool { return r.Dev.Health() == device.Online })
	r.follow(t, id, device.JobCompleted)
	if s := r.out(t, d); !s.Whole {
		t.Errorf("printed: got %d sheets, want all", s.Count)
	}
}

// reusedNumber: after a power cut the printer gives the old number to a new job,
// and nobody is told that the old one was printed.
func reusedNumber(t *testing.T, r DocumentRig) {
	r.Hands.After(1, r.Hands.LosePower)
	first := Paper(3, 1)
	old, err := r.Dev.Submit(t.Context(), first)
	if err != nil {
		t.Fatalf("Submit = %v, want nil", err)
	}
	r.follow(t, old, device.JobUnknown)
	again, err := r.Dev.Submit(t.Context(), Paper(1, 2))
	if err != nil {
		t.Fatalf("Submit = %v, want nil", err)
	}
	r.follow(t, again, device.JobCompleted)
	if again != old {
		// The number was not given anew here; the old one must be unknown still.
		if j, err := r.Dev.Job(t.Context(), old); err != nil || j.State != device.JobUnknown {
			t.Errorf("Job of before the power cut = %v, %v, want unknown", j, err)
		}
	}
	if s := r.out(t, first); s.Whole {
		t.Errorf("printed: got all, want a part")
	}
}

func cancelsDocument(t *testing.T, r DocumentRig) {
	// Opened, the printer holds the job until it is canceled.
	r.Hands.After(1, func() { r.Hands.SetCover(device.CoverOpen) })
	d := Paper(5, 1)
	id, err := r.Dev.Submit(t.Context(), d)
	if err != nil {
		t.Fatalf("Submit = %v, want nil", err)
	}
	r.follow(t, id, device.JobStopped)
	for range 2 {
		if err := r.Dev.Cancel(t.Context(), id); err != nil {
			t.Errorf("Cancel = %v, want nil", err)
		}
	}
	r.Hands.SetCover(device.CoverClosed)
	if j := r.follow(t, id, device.JobCanceled); j.Sheets != 1 {
		t.Errorf("Job = %+v, want one sheet", j)
	}
	if s := r.out(t, d); s.Count != 1 || s.Whole {
		t.Errorf("printed: got %d sheets, want 1", s.Count)
	}
	within(t, r.Dev, r.limit, "online", func() bool { return r.Dev.Health() == device.Online })
	printDocument(t, r, Paper(1, 2))
	wantError(t, "Cancel of nobody's job", r.Dev.Cancel(t.Context(), 4711), device.ErrNoJob, device.SideEffectNo)
}

// watched is a document that says when it is being sent.
type watched struct {
	io.ReadSeeker
	n    int
	read chan struct{}
}

// Read implements io.Reader. A driver may look at the first bytes beforehand.
func (w *watched) Read(p []byte) (int, error) {
	n, err := w.ReadSeeker.Read(p)
	if w.n < 1024 && w.n+n >= 1024 {
		close(w.read)
	}
	w.n += n
	return n, err
}

func haltsDocumentPrinter(t *testing.T, r DocumentRig) {
	r.Hands.Next(NotTaken)
	sent := make(chan error, 1)
	d := Paper(3, 1)
	taken := &watched{ReadSeeker: d.PDF, read: make(chan struct{})}
	d.PDF = taken
	go func() { _, err := r.Dev.Submit(t.Context(), d); sent <- err }()
	<-taken.read // it is under way
	begin := time.Now()
	for range 2 {
		if err := r.Dev.Halt(); err != nil {
			t.Errorf("Halt = %v, want nil", err)
		}
	}
	if took := time.Since(begin); took > r.limit {
		t.Errorf("Halt took %v, want at most %v", took, r.limit)
	}
	wantError(t, "Submit while halting", <-sent, device.ErrHalted, device.SideEffectUnknown)
	_, err := r.Dev.Submit(t.Context(), Paper(1, 2))
	wantError(t, "Submit after Halt", err, device.ErrHalted, device.SideEffectNo)
	if j, err := r.Dev.Job(t.Context(), 1); j.State != device.JobUnknown || !errors.Is(err, device.ErrHalted) {
		t.Errorf("Job after Halt = %v, %v, want unknown and ErrHalted", j, err)
	}
	if h := r.Dev.Health(); h == device.Online {
		t.Errorf("Health after Halt = %v, want not online", h)
	}
}
