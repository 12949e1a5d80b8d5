package screen

import (
	"encoding/json"
	"fmt"
	"html/template"
	"strings"

	"rsc.io/qr"

	"github.com/penjire/penjire/ui/asset"
)

// Icon returns name if the sprite has it, else a plain sheet of paper: a
// service may name a pictogram that this version does not have.
func (p *page) Icon(name string) string {
	if asset.HasIcon(name) {
		return name
	}
	return "doc"
}

// paper is what came of a receipt or a copy.
type paper struct {
	P     *page
	State PaperState
	Why   State
	What  string // first part of the phrase keys
}

// Receipt is handed to the template «paper».
func (p *page) Receipt(s PaperState, why State) paper { return paper{p, s, why, "paper."} }

// Copy is handed to the template «paper».
func (p *page) Copy(s PaperState, why State, at PaperPlace) paper {
	if at == PlaceUnsaid {
		return paper{p, s, why, "paper.copy."}
	}
	return paper{p, s, why, "paper.copy." + string(at) + "."}
}

// Say says what happened.
func (p paper) Say(what string) string { return p.P.T(p.What + what) }

// Reason says why it did not print.
func (p paper) Reason() string { return p.P.TOr("paper.why."+string(p.Why), "paper.why.unknown") }

// Again is the action that prints what failed once more. What failed never
// came out, so it need not be marked; «print» asks for just that.
func (p paper) Again() string { return "print" }

// chip says a stage in one word and one icon.
type chip struct{ StageWord, StageIcon, StageKind string }

// Stage says a stage.
func (p *page) Stage(s Stage) string { return p.TOr("stage."+string(s), "stage.unknown") }

// Step names a step of the timeline, done or still to come.
func (p *page) Step(s Stage) string {
	if key := "step." + string(s); p.book.Has(key) {
		return p.T(key)
	}
	return p.Stage(s)
}

// Chip is handed to the template stagechip.
func (p *page) Chip(s Stage) chip {
	c := chip{p.Stage(s), "unknown", ""}
	switch s {
	case StageKept:
		c.StageIcon = "tray"
	case StageSending:
		c.StageIcon = "arrow-right"
	case StageReceived, StageRegistered:
		c.StageIcon = "agency"
	case StageAnswered:
		c.StageIcon = "check"
	case StageReturned:
		c.StageIcon, c.StageKind = "return", "warn"
	case StageRefused:
		c.StageIcon, c.StageKind = "cross", "bad"
	case StageWithdrawn:
		c.StageIcon = "trash"
	}
	return c
}

// StepClass says how a step of the timeline is drawn.
func (p *page) StepClass(s StatusStep) string {
	switch {
	case (s.Done || s.Now) && s.Stage == StageRefused:
		return "stop"
	case s.Now && s.Stage != StageAnswered:
		return "now"
	case s.Done || s.Now:
		return "ok"
	}
	return "todo"
}

// StepIcon is the icon in the step's dot, or "" for its number.
func (p *page) StepIcon(s StatusStep) string {
	switch p.StepClass(s) {
	case "ok":
		return "check"
	case "stop":
		return "cross"
	}
	return ""
}

// Inc counts from one.
func (p *page) Inc(i int) int { return i + 1 }

// ValidKind and ValidIcon draw the verifier's answer. What is not known to be
// valid is not drawn as valid.
func (p *page) ValidKind() string {
	switch p.Answer.Valid {
	case "verify.valid":
		return ""
	case "verify.invalid":
		return "bad"
	}
	return "warn"
}

// ValidIcon is its icon.
func (p *page) ValidIcon() string {
	return map[string]string{"": "shield", "bad": "alert", "warn": "unknown"}[p.ValidKind()]
}

// SealLook and SealIcon draw the answer about a seal: only one that is known to be
// genuine is drawn so.
func (p *page) SealLook() string {
	switch p.Seal.Verdict {
	case "yes":
		return ""
	case "no":
		return "bad"
	}
	return "warn"
}

// SealIcon is its icon.
func (p *page) SealIcon() string {
	return map[string]string{"": "shield", "bad": "alert", "warn": "unknown"}[p.SealLook()]
}

// PinIcon is the icon of the PIN's button.
func (p *page) PinIcon() string {
	if p.PIN.Reason == "open" {
		return "doc"
	}
	return "pen"
}

// WorkIcon is the picture of what is going on.
func (p *page) WorkIcon() string {
	switch p.Working.What {
	case "signing":
		return "pen"
	case "printing", "ticket":
		return "printer"
	case "opening":
		return "doc"
	case "exporting", "update":
		return "tray"
	}
	return "card"
}

// HelpStep is one picture of the help page.
type HelpStep struct{ Icon, Key string }

// HelpSteps are the pictures of the help page.
func (p *page) HelpSteps() []HelpStep {
	return []HelpStep{{"touch", "help.1"}, {"card", "help.2"}, {"list", "help.3"}, {"receipt", "help.4"}}
}

// Columns says in how many columns choices stand, so that no row is left with
// one alone where that can be helped.
func (p *page) Columns() string {
	switch n := len(p.Field.Options); {
	case p.Field.Pictures && n <= 4:
		return fmt.Sprintf("c%d", n)
	case p.Field.Pictures && n <= 6:
		return "c3"
	}
	return ""
}

// Described names what describes a question's field.
func (p *page) Described() string {
	var ids []string
	if p.Field.Hint != "" || p.Field.Kind == "many" {
		ids = append(ids, "hint")
	}
	if p.Field.Fault != "" {
		ids = append(ids, "wrong")
	}
	return strings.Join(ids, " ")
}

// FirstField is the id of the field that the error summary leads to.
func (p *page) FirstField() string {
	switch {
	case p.Screen == Question && p.Field.Kind == "date":
		return "f-day"
	case p.Screen == Question && len(p.Field.Options) > 0:
		return p.Field.Options[0].ID
	}
	return "f"
}

// QR draws the code of the Done page as one path: a picture of its own would
// need an address, and the page's rules allow no picture inside the page.
func (p *page) QR() (template.HTML, error) {
	if len(p.Done.QR) == 0 {
		return "", nil
	}
	code, err := qr.Encode(string(p.Done.QR), qr.M)
	if err != nil {
		return "", fmt.Errorf("screen: draw the QR code: %w", err)
	}
	var d strings.Builder
	for y := range code.Size {
		for x := range code.Size {
			if code.Black(x, y) {
				fmt.Fprintf(&d, "M%d %dh1v1h-1z", x+2, y+2)
			}
		}
	}
	// Only numbers and letters of our own are in it.
	return template.HTML(fmt.Sprintf(
		`<svg viewBox="0 0 %d %[1]d" shape-rendering="crispEdges" role="img" aria-label="QR"><path fill="#1C2521" d="%s"/></svg>`,
		code.Size+4, d.String())), nil
}

// Words are what the script says by itself, as JSON.
func (p *page) Words() (template.JS, error) {
	w := map[string]string{"lang": p.Lang}
	for _, k := range []string{"space", "shift", "back", "enter", "lang", "letters", "digits", "next"} {
		w[k] = p.T("osk." + k)
	}
	w["more"] = p.T("act.more")
	b, err := json.Marshal(w) // escapes <, > and &
	if err != nil {
		return "", fmt.Errorf("screen: words of the script: %w", err)
	}
	return template.JS(b), nil
}
