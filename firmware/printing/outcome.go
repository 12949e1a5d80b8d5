package printing

import (
	"github.com/penjire/penjire/sync/outbox"
)

// Place is where a paper comes out.
type Place int

// The places.
const (
	PlaceUnknown Place = 0
	PlaceRoll    Place = 1
	PlaceSheets  Place = 2
)

// Outcome is where the copy of a request was printed last, and why it was not.
type Outcome struct {
	Doc   outbox.Doc
	Place Place
	Why   Why // once it has ended
}

// Last returns where the certified copy that was begun last came out, or is coming
// out. It is forgotten when the kiosk is restarted.
func (w *Worker) Last() Outcome {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last
}

func (w *Worker) note(o Outcome) {
	w.mu.Lock()
	w.last = o
	w.mu.Unlock()
}
