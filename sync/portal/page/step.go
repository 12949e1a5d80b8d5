package page

import (
	"encoding/json"
	"net/http"
	"time"
)

// How a step of a timeline looks.
const (
	Done    = "done"
	Current = "now"
	Todo    = "todo"
	Bad     = "bad"
)

// Step is one line of a timeline.
type Step struct {
	Key  string // of its word
	At   time.Time
	Day  bool // At is a day, without a time of day
	Look string
	Icon string
	Note string // a sentence more

	Word string // filled in by Base.Words, with the next two
	When string
	ISO  string
}

// Words puts steps into the page's language.
func (b Base) Words(steps []Step) error {
	for i := range steps {
		s := &steps[i]
		var err error
		if s.Word, err = b.T(s.Key); err != nil {
			return err
		}
		if s.At.IsZero() {
			continue
		}
		s.ISO, s.When = b.ISO(s.At), b.Moment(s.At)
		if s.Day {
			s.When = b.Date(s.At)
		}
	}
	return nil
}

// Writer collects texts and keeps the first error, for code that needs many.
type Writer struct {
	Base Base
	Err  error
}

// T is Base.T; after an error it returns "".
func (w *Writer) T(key string, args ...any) string {
	s, err := w.Base.T(key, args...)
	if err != nil && w.Err == nil {
		w.Err = err
	}
	return s
}

// JSON sends v as JSON with status.
func JSON(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n')) // nobody is left to tell when the client went away
}
