package desk

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/penjire/penjire/sync/portal"
	"github.com/penjire/penjire/sync/portal/page"
	"github.com/penjire/penjire/sync/stick"
)

// The operator's page for memory sticks: what kiosks exported comes in, and an
// answer for each goes back (wire.md, section 9). A program does the same with
//
//	POST /api/stick    the file as the body → the answer's file
//
// with an operator's name and password (HTTP Basic) or session. The result is
// there as JSON in the header Penjire-Import; errors are {"error": "code"}. Either
// may be repeated: it registers nothing twice.

// Limits of what comes in.
const (
	stickMax   = 32 << 20  // bytes of one file; a kiosk's are half as large
	sticksMax  = 256 << 20 // of one form
	stickFiles = 32        // in one form
	stickTime  = 15 * time.Minute
)

// taken is what became of one file.
type taken struct {
	portal.Imported
	File string // as the officer's browser calls it
	Code string // why it was not taken; "" it was
	ID   string // of its answer
	// Enrolled: it was a kiosk's request for its certificates; Why is the code of the
	// refusal, if it was refused.
	Enrolled bool
	Why      string
}

type stickView struct {
	page.Base
	Wrong string // key
	Files []taken
	Done  bool
}

// Key is what to say of a file that was not taken.
func (t taken) Key() string { return "stick.not." + t.Code }

func (d *Desk) stickView(w http.ResponseWriter, r *http.Request, o Officer) stickView {
	return stickView{Base: d.base(w, r, &o, "/desk/stick")}
}

func (d *Desk) stickPage(w http.ResponseWriter, r *http.Request, o Officer) {
	d.send(w, http.StatusOK, "stick", d.stickView(w, r, o))
}

// stickCode says why a file was not taken.
func stickCode(err error) string {
	for code, why := range map[string]error{
		"export": portal.ErrNoExport, "stranger": portal.ErrStranger, "newer": stick.ErrVersion,
		"damaged": stick.ErrDamaged, "cut": stick.ErrCut, "other": stick.ErrOther, "large": errLarge,
	} {
		if errors.Is(err, why) {
			return code
		}
	}
	return "busy"
}

var errLarge = errors.New("the file is too large for an export")

// take imports one file. Who reads it keeps it in memory: a slow upload must not
// hold the kiosk's own session up.
func (d *Desk) take(ctx context.Context, o Officer, r io.Reader) (taken, error) {
	b, err := io.ReadAll(io.LimitReader(r, stickMax+1))
	if err != nil {
		return taken{}, err
	}
	if d.certs != nil && len(b) <= stickMax && bytes.HasPrefix(b, []byte("{")) {
		return d.enrolFile(ctx, o, b), nil
	}
	t := taken{}
	if len(b) > stickMax {
		err = errLarge
	} else {
		// A browser that goes away must not leave half of it undone.
		t.Imported, err = d.portal.Import(context.WithoutCancel(ctx), bytes.NewReader(b))
	}
	if err != nil {
		t.Code = stickCode(err)
		d.log.Warn("desk: a stick's file was not taken", "officer", o.ID, "code", t.Code, "err", err)
		return t, nil
	}
	t.ID = d.answers.keep(d.now(), t.Name, t.Answer)
	d.log.Info("desk: a stick's file was taken", "officer", o.ID, "kiosk", t.Kiosk, "number", t.Number, "records", t.Records, "new", t.New)
	return t, nil
}

// hand takes one of the places at the import; nil: there is none.
func (d *Desk) hand(w http.ResponseWriter) func() {
	select {
	case d.hands <- struct{}{}:
		// A stick full of requests over a slow line takes longer than a page.
		c, until := http.NewResponseController(w), time.Now().Add(stickTime)
		_ = c.SetReadDeadline(until) // a server without deadlines has none to lift
		_ = c.SetWriteDeadline(until)
		return func() { <-d.hands }
	default:
		w.Header().Set("Retry-After", "30")
		return nil
	}
}

// stickForm takes the files of the form. Each counts by itself: one that is not
// taken holds up no other.
func (d *Desk) stickForm(w http.ResponseWriter, r *http.Request, o Officer) {
	v := d.stickView(w, r, o)
	again := func(status int, key string) {
		v.Fault, v.Wrong = true, key
		d.send(w, status, "stick", v)
	}
	done := d.hand(w)
	if done == nil {
		again(http.StatusServiceUnavailable, "stick.busy")
		return
	}
	defer done()
	form, err := r.MultipartReader()
	if err != nil {
		again(http.StatusBadRequest, "stick.nothing")
		return
	}
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		var t taken
		if err == nil && (part.FormName() != "file" || part.FileName() == "") {
			continue
		}
		if err == nil && len(v.Files) == stickFiles {
			again(http.StatusRequestEntityTooLarge, "stick.many")
			return
		}
		if err == nil {
			t, err = d.take(r.Context(), o, part)
		}
		if err != nil { // the browser went away, or sends too much
			again(http.StatusRequestEntityTooLarge, "stick.many")
			return
		}
		t.File = part.FileName()
		v.Files = append(v.Files, t)
	}
	if len(v.Files) == 0 {
		again(http.StatusUnprocessableEntity, "stick.nothing")
		return
	}
	v.Done = true
	d.send(w, http.StatusOK, "stick", v)
}

// stickAnswer gives an answer's file.
func (d *Desk) stickAnswer(w http.ResponseWriter, r *http.Request, o Officer) {
	a, ok := d.answers.get(d.now(), r.PathValue("id"))
	if !ok {
		d.fail(w, r, o, errNoAnswer)
		return
	}
	sendAnswer(w, a.name, a.b)
}

// errNoAnswer: answers are kept for a while only; the same file brings it again.
var errNoAnswer = errors.New("that answer is not kept any more")

func sendAnswer(w http.ResponseWriter, name string, b []byte) {
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
	w.Header().Set("Content-Length", fmt.Sprint(len(b)))
	_, _ = w.Write(b) // nobody is left to tell when the browser went away
}

// apiStick takes a file as the body and sends the answer's.
func (d *Desk) apiStick(w http.ResponseWriter, r *http.Request, o Officer) {
	if !o.Operator {
		apiError(w, http.StatusForbidden, "operator")
		return
	}
	done := d.hand(w)
	if done == nil {
		apiError(w, http.StatusServiceUnavailable, "busy")
		return
	}
	defer done()
	t, err := d.take(r.Context(), o, r.Body)
	switch {
	case err != nil:
		apiError(w, http.StatusRequestEntityTooLarge, "large")
	case t.Code == "busy":
		w.Header().Set("Retry-After", "30")
		apiError(w, http.StatusServiceUnavailable, t.Code)
	case t.Code != "":
		apiError(w, http.StatusUnprocessableEntity, t.Code)
	default:
		if b, err := json.Marshal(t.Imported); err == nil {
			w.Header().Set("Penjire-Import", string(b))
		}
		sendAnswer(w, t.Name, t.Answer)
	}
}

// shelf keeps answers for the page that offers them. They are lost with the portal's
// memory: the same file makes the same receipts again.
type shelf struct {
	mu   sync.Mutex
	list []answerFile // the newest last
}

type answerFile struct {
	id, name string
	b        []byte
	at       time.Time
}

// How long and how many answers are kept.
const (
	answersFor   = time.Hour
	answersBytes = 128 << 20
)

func (a *shelf) keep(now time.Time, name string, b []byte) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.list = append(a.list, answerFile{rand.Text(), name, b, now})
	size := 0
	for i := len(a.list) - 1; i >= 0; i-- {
		if size += len(a.list[i].b); i < len(a.list)-1 && (size > answersBytes || now.Sub(a.list[i].at) > answersFor) {
			a.list = append([]answerFile(nil), a.list[i+1:]...)
			break
		}
	}
	return a.list[len(a.list)-1].id
}

func (a *shelf) get(now time.Time, id string) (answerFile, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, f := range a.list {
		if f.id == id && now.Sub(f.at) <= answersFor {
			return f, true
		}
	}
	return answerFile{}, false
}

// stickRoutes are those that take files: their bodies may be large.
func (d *Desk) stickRoutes() http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("POST /desk/stick", d.operators(d.stickForm))
	m.HandleFunc("POST /api/stick", d.apiAny(d.apiStick))
	return page.GuardUpload(m, sticksMax)
}
