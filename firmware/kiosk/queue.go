package kiosk

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/penjire/penjire/sync/outbox"
)

// QueueEntry is a request as the control socket tells of it. It names nobody: no
// code, no pseudonym.
type QueueEntry struct {
	Epoch   string      `json:"epoch"`
	Seq     uint64      `json:"seq"`
	Doc     string      `json:"doc"`
	Service string      `json:"service"`
	State   string      `json:"state"`
	Lane    uint8       `json:"lane"`
	Claimed time.Time   `json:"claimed"`
	Bytes   int         `json:"bytes"`
	Index   int64       `json:"journal_index"`
	Print   string      `json:"print,omitempty"` // of the receipt
	Copies  int         `json:"papers"`
	Durable bool        `json:"durable"` // the portal's receipts are here
	Decided bool        `json:"decided"`
	Steps   []QueueStep `json:"steps"`
}

// QueueStep is a state that a request entered.
type QueueStep struct {
	State string    `json:"state"`
	At    time.Time `json:"at"`
}

// NewQueueEntry returns what may be told of a request.
func NewQueueEntry(r outbox.Request) QueueEntry {
	e := QueueEntry{
		Epoch: hex.EncodeToString(r.Epoch[:]), Seq: r.Seq, Doc: hex.EncodeToString(r.Doc[:]), Service: r.Service,
		State: r.State.String(), Lane: r.Lane, Claimed: r.Claimed, Bytes: r.Size, Index: r.Index, Copies: r.Copies,
		Durable: r.DurableReceipt != nil, Decided: r.DecidedReceipt != nil,
	}
	if r.Receipt != 0 {
		e.Print = r.Receipt.String()
	}
	for _, s := range r.Steps {
		e.Steps = append(e.Steps, QueueStep{s.State.String(), s.At})
	}
	return e
}

// ReceiptOf returns what the portal signed about a request: "durable", "decided", or,
// where level is empty, the last of them; nil: it is not there.
func ReceiptOf(r outbox.Request, level string) []byte {
	switch {
	case level == "durable" || level == "" && r.DecidedReceipt == nil:
		return r.DurableReceipt
	case level == "decided" || level == "":
		return r.DecidedReceipt
	}
	return nil
}

// MirrorReport is how the outbox's mirror is.
type MirrorReport struct {
	Folder string    `json:"folder,omitempty"`
	State  string    `json:"state,omitempty"` // a code; empty: none is wanted
	Since  time.Time `json:"since,omitzero"`
	Same   bool      `json:"same_medium"`
	Bytes  int64     `json:"bytes"`
	Error  string    `json:"error,omitempty"`
}

// queueRoutes are what penjire queue asks a running kiosk for.
func (k *Kiosk) queueRoutes(m *http.ServeMux) {
	m.HandleFunc("GET /queue", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/jsonl")
		out := json.NewEncoder(w)
		if err := k.box.Requests(r.Context(), func(q outbox.Request) error { return out.Encode(NewQueueEntry(q)) }); err != nil {
			k.cutOff(w, "the queue could not be listed", err)
		}
	})
	m.HandleFunc("GET /queue/receipt", func(w http.ResponseWriter, r *http.Request) {
		var q outbox.Request
		doc, err := hex.DecodeString(r.FormValue("doc"))
		if code := r.FormValue("code"); code != "" {
			q, err = k.box.ByCode(r.Context(), code)
		} else if err == nil && len(doc) == len(q.Doc) {
			q, err = k.box.Get(r.Context(), outbox.Doc(doc))
		}
		switch {
		case errors.Is(err, outbox.ErrNotFound):
			return // nothing is the answer
		case err != nil:
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "application/octet-stream")
		_, _ = w.Write(ReceiptOf(q, r.FormValue("level"))) // whoever asked went away: nothing to do
	})
	m.HandleFunc("GET /queue/backup", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/octet-stream")
		if err := k.box.Backup(r.Context(), w); err != nil {
			k.cutOff(w, "a backup could not be made", err)
		}
	})
	m.HandleFunc("GET /queue/mirror", func(w http.ResponseWriter, _ *http.Request) {
		s := k.box.Mirror()
		rep := MirrorReport{Folder: s.Folder, State: string(s.State), Since: s.Since, Same: s.Same, Bytes: s.Bytes}
		if s.Err != nil {
			rep.Error = s.Err.Error()
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(rep) // whoever asked went away: nothing to do
	})
	m.HandleFunc("POST /queue/check", func(w http.ResponseWriter, r *http.Request) {
		err := k.box.Check(r.Context())
		switch {
		case errors.Is(err, outbox.ErrDamaged):
			http.Error(w, err.Error(), http.StatusConflict)
		case err != nil:
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		}
	})
	m.HandleFunc("POST /queue/dismiss", func(w http.ResponseWriter, r *http.Request) {
		if err := k.dismiss(r.Context(), r.FormValue("alarm")); err != nil {
			http.Error(w, err.Error(), http.StatusConflict)
			return
		}
		k.log.Info("an alarm was dismissed", "alarm", r.FormValue("alarm"))
		k.wake()
	})
}

// cutOff ends an answer that has begun: whoever reads it must see that it is not
// whole.
func (k *Kiosk) cutOff(_ http.ResponseWriter, what string, err error) {
	k.log.Error(what, "err", err)
	panic(http.ErrAbortHandler)
}
