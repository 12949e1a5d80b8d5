package screen

import "fmt"

// The pages of a first start: what the technician sees until the kiosk is in service.
const (
	FirstList   Name = "first-list"   // what was found, point by point
	FirstChoose Name = "first-choose" // one of several
	FirstField  Name = "first-field"  // something to type
)

// FirstView is a page of the first start. Everything that is not words of a phrase is
// said as it is found: an address, the name of a network.
type FirstView struct {
	Step   string // completes first.title.; with it the page is told from others
	No, Of int    // of the steps
	Foot   string // for the foot: the kiosk's number, the board
	Waits  bool   // the page goes on by itself
	Notes  []FirstNote
	Lines  []FirstLine // of FirstList
	Tiles  []FirstTile // of FirstChoose
	Field  FirstEntry  // of FirstField
	Acts   []FirstAct  // buttons; the last is the big one
}

// FirstState is what is known of a point.
type FirstState string

// The states. Each has a word and an icon; what is not known is never good.
const (
	FirstPlain   FirstState = ""     // nothing to judge
	FirstTodo    FirstState = "todo" // its turn has not come
	FirstNow     FirstState = "now"  // under way
	FirstGood    FirstState = "good"
	FirstBad     FirstState = "bad"
	FirstUnknown FirstState = "unknown"
)

// FirstLine is one point of a list.
type FirstLine struct {
	Name  string // completes first.line.; "": Plain says it
	Plain string
	Text  string // what was found, in no language
	Say   string // completes first.say.: what it means, what to do; "": nothing
	State FirstState
}

// FirstNote says something of the whole page.
type FirstNote struct {
	Kind string // "", "good", "warn" or "bad"
	Say  string // completes first.note.
	Args []any
}

// FirstTile is one of several to choose.
type FirstTile struct {
	Value string // that is sent with the action choose
	Icon  string
	Name  string // completes first.tile.; "": Plain says it
	Plain string
	Say   string // completes first.tile-say.
	Args  []any
	First bool // the one that is meant to be chosen
}

// FirstEntry is a field to type into. What is secret is never in Value.
type FirstEntry struct {
	Keys     string // the keyboard: "en", "pass", "code", "num"
	Value    string
	Max      int
	Optional bool
	Fault    string // completes first.fault.; "": none
}

// FirstAct is a button.
type FirstAct struct {
	Do    string // the action, and completes first.act.
	Icon  string
	Ghost bool
}

// FirstTitle is the page's heading.
func (p *page) FirstTitle() string { return p.T("first.title." + p.First.Step) }

// LineName names a point; one that no phrase names has its own name.
func (p *page) LineName(l FirstLine) string {
	if key := "first.line." + l.Name; l.Name != "" && p.book.Has(key) {
		return p.T(key)
	}
	return l.Plain
}

// LineSay says what a point means.
func (p *page) LineSay(l FirstLine) string {
	if l.Say == "" {
		return ""
	}
	return p.TOr("first.say."+l.Say, "first.say.other")
}

// LineIcon is the icon of a state.
func (p *page) LineIcon(s FirstState) string {
	return map[FirstState]string{FirstGood: "check", FirstBad: "alert", FirstUnknown: "unknown", FirstNow: "clock", FirstTodo: "list"}[s]
}

// LineWord is the word of a state.
func (p *page) LineWord(s FirstState) string { return p.T("first.state." + string(s)) }

// LineChip is the look of a state's chip.
func (p *page) LineChip(s FirstState) string {
	return map[FirstState]string{FirstBad: " bad", FirstUnknown: " warn", FirstNow: " warn", FirstTodo: " soft"}[s]
}

// NoteSay says a note.
func (p *page) NoteSay(n FirstNote) string {
	return p.TOr("first.note."+n.Say, "first.note.other", n.Args...)
}

// NoteIcon is the icon of a note.
func (p *page) NoteIcon(n FirstNote) string {
	return map[string]string{"": "info", "good": "check", "warn": "alert", "bad": "alert"}[n.Kind]
}

// TileName names a tile.
func (p *page) TileName(t FirstTile) string {
	if t.Name == "" {
		return t.Plain
	}
	return p.T("first.tile." + t.Name)
}

// TileSay says more of a tile.
func (p *page) TileSay(t FirstTile) string {
	if t.Say == "" {
		return ""
	}
	return p.T("first.tile-say."+t.Say, t.Args...)
}

// FirstDefault is the action of the Enter key on a page of the first start.
func (p *page) FirstDefault() string {
	if n := len(p.First.Acts); n > 0 {
		return p.First.Acts[n-1].Do
	}
	return "stay"
}

// firstKey is PageKey of the first start.
func firstKey(v View) string {
	if v.First == nil {
		return string(v.Screen)
	}
	return fmt.Sprintf("%s/%s", v.Screen, v.First.Step)
}
