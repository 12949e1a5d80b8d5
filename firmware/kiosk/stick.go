package kiosk

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"github.com/penjire/penjire/sync/durable"
	"github.com/penjire/penjire/sync/stick"
	"github.com/penjire/penjire/sync/uplink"
)

// A memory stick as the network (DESIGN 7, ED-25: other steps). The control
// socket takes
//
//	POST /export?folder=/media/…    writes what has no receipt into files there
//	POST /import?folder=/media/…    takes the portal's answers that lie there
//	POST /service?folder=/media/…   does what the service ticket there allows
//
// and answers with StickLines as JSON, one a line, as things happen; the last one
// has the step «done» or «failed». A folder on the kiosk's own disk is refused,
// for that is what is left where a stick was pulled out; with anywhere=1 it is not.

// StickLine is one line of what becomes of an export or import. It names no one.
type StickLine struct {
	Step string `json:"step"` // begun, file, done, failed
	// Of a file, or of all of them.
	File     string `json:"file,omitempty"`
	Records  int    `json:"records,omitempty"` // requests in it
	Bytes    int    `json:"bytes,omitempty"`   // of the file
	Left     int    `json:"left,omitempty"`    // requests that are in no file yet, or not all of them
	From     int64  `json:"from,omitempty"`    // of a large request, the bytes that the file has
	To       int64  `json:"to,omitempty"`
	Of       int64  `json:"of,omitempty"`       // and how many it has altogether; 0: no large request's
	Receipts int    `json:"receipts,omitempty"` // requests that the portal says it has
	Items    int    `json:"items,omitempty"`    // decisions and answers that were not here before
	Files    int    `json:"files,omitempty"`    // of done and failed: how many are safe, or were taken
	// Outcome of a file that was looked at, by code.
	Outcome string   `json:"outcome,omitempty"`
	Refused []string `json:"refused,omitempty"` // codes of what was not believed
	Service string   `json:"service,omitempty"` // what became of a service ticket, by code
	// Of a file: it is about the kiosk's own certificates, and how many were taken.
	Renewal      bool `json:"renewal,omitempty"`
	Certificates int  `json:"certificates,omitempty"`
	// Of failed.
	Code  string `json:"code,omitempty"`
	Error string `json:"error,omitempty"`
}

// What became of a file that was looked at: StickLine.Outcome.
const (
	StickTaken   = "taken"
	StickPart    = "taken.part"    // it was cut short or is damaged: the rest needs another copy
	StickLater   = "taken.gap"     // its receipts; what it has besides follows something that never came, and comes with the next answer
	StickExport  = "export"        // goes to the portal
	StickOther   = "other.kiosk"   // for another kiosk
	StickForeign = "other.portal"  // signed by nobody whom this kiosk takes for its portal
	StickNewer   = "newer"         // made by newer software
	StickDamaged = "damaged"       // nothing in it can be read
	StickNoFile  = "other.file"    // no such file, whatever its name says
	stickStored  = "kiosk.storage" // the kiosk could not store it
)

// Why an export or import failed: StickLine.Code.
const (
	StickFull     = "stick.full"
	StickGone     = "stick.gone"
	StickReadOnly = "stick.read-only"
	StickNone     = "stick.none"   // no stick is mounted there
	StickUnlike   = "stick.unlike" // what can be read back is not what was written
	StickBusy     = "stick.busy"   // another export or import is under way
	StickFolder   = "stick.folder" // no folder, or no right to it
	StickFailed   = "kiosk.failed"
)

func stickCode(err error) string {
	for code, why := range map[string]error{
		StickFull: stick.ErrFull, StickGone: stick.ErrGone, StickReadOnly: stick.ErrReadOnly, StickNone: stick.ErrNoStick,
		StickUnlike: stick.ErrUnlike, StickFolder: stick.ErrNoFolder,
	} {
		if errors.Is(err, why) {
			return code
		}
	}
	return StickFailed
}

// stick answers a POST with lines.
func (k *Kiosk) stick(work func(context.Context, *stick.Folder, func(StickLine)) (StickLine, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/jsonl")
		out, flush := json.NewEncoder(w), http.NewResponseController(w)
		say := func(l StickLine) {
			_ = out.Encode(l) // whoever asked went away: the context says so
			_ = flush.Flush()
		}
		if !k.sticks.TryLock() {
			say(StickLine{Step: "failed", Code: StickBusy, Error: "another stick is being written or read"})
			return
		}
		defer k.sticks.Unlock()
		own := k.s.State
		if r.URL.Query().Get("anywhere") == "1" {
			own = ""
		}
		dir, err := stick.OpenFolder(r.URL.Query().Get("folder"), own)
		var sum StickLine
		if err == nil {
			sum, err = work(r.Context(), dir, say)
		}
		sum.Step = "done"
		if err != nil {
			sum.Step, sum.Code, sum.Error = "failed", stickCode(err), err.Error()
			k.log.Warn("a memory stick", "code", sum.Code, "err", err)
		}
		say(sum)
		k.wake()
	}
}

// exportTo puts everything that has no receipt on the stick.
func (k *Kiosk) exportTo(ctx context.Context, dir *stick.Folder, say func(StickLine)) (sum StickLine, err error) {
	epoch := k.box.Stats(ctx).Epoch
	book, err := k.openStickBook(epoch)
	if err != nil {
		return sum, err
	}
	found, err := dir.Find()
	if err != nil {
		return sum, err
	}
	for _, f := range found { // numbers that this kiosk gave, in case its book was lost
		if f.Err == nil && f.Header.Kiosk == k.s.Kiosk && f.Header.Epoch == epoch {
			book.Number = max(book.Number, f.Header.Number)
		}
	}
	dir.Clean(k.s.Kiosk)
	sum.Left = k.box.Stats(ctx).Unsent
	say(StickLine{Step: "begun", Left: sum.Left})
	err = k.up.Export(ctx, uplink.Export{
		Number: func() (uint64, error) {
			book.Number++
			return book.Number, k.keepStickBook(book)
		},
		Heads: book.Heads,
		Put: func(ctx context.Context, e uplink.Exported, parts [][]byte) error {
			if e.Head > 0 {
				book.Heads = append(book.Heads, e.Head)
				if err := k.keepStickBook(book); err != nil {
					return err
				}
			}
			sum.Left = e.Records + e.Left
			if err := dir.Put(ctx, e.Name, parts); err != nil {
				return err
			}
			say(StickLine{
				Step: "file", File: e.Name, Records: e.Records, Bytes: e.Bytes, Left: e.Left,
				From: e.Part.From, To: e.Part.To, Of: e.Part.Of,
			})
			sum.Files++
			sum.Records += e.Records
			sum.Bytes += e.Bytes
			sum.Left = e.Left
			return nil
		},
	})
	if err == nil {
		err = k.exportRenewal(ctx, dir, say, &sum)
	}
	k.log.Info("exported to a memory stick", "files", sum.Files, "requests", sum.Records, "left", sum.Left)
	return sum, err
}

// importFrom takes every answer on the stick that is for this kiosk.
func (k *Kiosk) importFrom(ctx context.Context, dir *stick.Folder, say func(StickLine)) (sum StickLine, err error) {
	found, err := dir.Find()
	if err != nil {
		return sum, err
	}
	say(StickLine{Step: "begun", Files: len(found)})
	if err := k.importRenewal(ctx, dir, say, &sum); err != nil {
		return sum, err
	}
	for _, f := range found {
		if err := ctx.Err(); err != nil {
			return sum, err
		}
		l := k.importFile(ctx, dir, f)
		if l.Outcome == stickStored {
			return sum, errors.New(l.Error)
		}
		switch l.Outcome {
		case StickTaken, StickPart, StickLater:
			sum.Files++
			sum.Receipts += l.Receipts
			sum.Items += l.Items
		}
		say(l)
	}
	k.log.Info("imported from a memory stick", "files", len(found), "taken", sum.Files, "receipts", sum.Receipts, "items", sum.Items)
	return sum, nil
}

func (k *Kiosk) importFile(ctx context.Context, dir *stick.Folder, f stick.Found) StickLine {
	l := StickLine{Step: "file", File: f.Name}
	err := f.Err
	if err == nil && f.Header.Kind == stick.Export && f.Header.Kiosk == k.s.Kiosk {
		l.Outcome, l.Records = StickExport, 0
		return l
	}
	var t uplink.Taken
	if err == nil {
		err = dir.Open(f.Name, func(in *stick.File) (err error) {
			t, err = k.up.Take(ctx, in)
			return err
		})
	}
	l.Receipts, l.Items, l.Refused = t.Receipts, t.Items, t.Refused
	switch {
	case err == nil && (t.Cut || t.Damaged > 0):
		l.Outcome = StickPart
	case err == nil && t.Gap:
		l.Outcome = StickLater
	case err == nil:
		l.Outcome = StickTaken
	case errors.Is(err, stick.ErrVersion):
		l.Outcome = StickNewer
	case errors.Is(err, stick.ErrOther):
		l.Outcome = StickNoFile
	case errors.Is(err, stick.ErrCut), errors.Is(err, stick.ErrDamaged):
		l.Outcome = StickDamaged
	case errors.Is(err, uplink.ErrNotOurs), errors.Is(err, uplink.ErrNoReply):
		l.Outcome = StickOther
	case errors.Is(err, uplink.ErrPortal):
		l.Outcome = StickForeign
	case uplink.Code(err) == uplink.CodeStorage:
		l.Outcome = stickStored
	default:
		l.Outcome = StickDamaged // the stick does not give it up
	}
	if err != nil {
		l.Error = err.Error()
	}
	return l
}

// stickBook is what the kiosk remembers of its exports, in the outbox's epoch.
type stickBook struct {
	Epoch  string  `json:"epoch"`
	Number uint64  `json:"number"` // of the last file
	Heads  []int64 `json:"heads"`  // journal sizes that files spoke of, the newest last
}

// bookFile is where it stands in the state folder. What is lost with it is that a
// journal's head on a stick may not join the one that the portal has.
const bookFile = "stick.json"

// headsKept is how many sizes the book has.
const headsKept = 8

func (k *Kiosk) openStickBook(epoch [16]byte) (*stickBook, error) {
	b := &stickBook{}
	raw, err := os.ReadFile(filepath.Join(k.s.State, bookFile))
	if err == nil && json.Unmarshal(raw, b) != nil {
		*b = stickBook{} // damaged: the same as lost
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("kiosk: read the book of sticks: %w", err)
	}
	if name := hex.EncodeToString(epoch[:]); b.Epoch != name {
		*b = stickBook{Epoch: name}
	}
	return b, nil
}

func (k *Kiosk) keepStickBook(b *stickBook) error {
	b.Heads = b.Heads[max(0, len(b.Heads)-headsKept):]
	raw, err := json.Marshal(b)
	if err != nil {
		return fmt.Errorf("kiosk: keep the book of sticks: %w", err)
	}
	return durable.WriteFile(filepath.Join(k.s.State, bookFile), raw, 0o600)
}
