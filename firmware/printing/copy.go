package printing

import (
	"fmt"
	"image"
	"strconv"
	"strings"
	"time"

	"github.com/penjire/penjire/sync/catalog"
	"github.com/penjire/penjire/sync/citizen"
	"github.com/penjire/penjire/sync/edoc"
)

// Copy is the certified paper copy of an answer: «elektron resminamanyň kagyz
// nusgasy» (ED-9). Without the words that say so, and who certifies it, it would
// have no force.
type Copy struct {
	Lang      string
	Kiosk     string
	Place     catalog.Text
	Title     catalog.Text // of the document: Service.Result.Title
	Agency    catalog.Text // who answers, and certifies
	Signer    string       // as the certificate says
	Signed    time.Time
	Subject   citizen.Text // whom it is about: surname, name, patronymic
	ID        string       // masked
	Facts     []Fact
	Part      bool      // the seal repeats only the facts that say so (ED-SEAL-8)
	Code      string    // of the request it answers
	Requested time.Time // when that was made
	Pages     int       // of the original and its attachments (ED-7)
	Document  [32]byte  // identity of the original e-document
	Seal      string    // text of the QR code: the sealed copy as a URL
	Check     string    // number to type where there is no camera
	Look      string    // where to check, as people type it
	Printed   time.Time
	Marked    bool // an earlier print may be out
}

// Fact is one line of what the document states.
type Fact struct {
	Label  string
	Value  citizen.Text
	Sealed bool // the seal repeats it
}

// Draw draws the copy as [Receipt.Draw] does.
func (c Copy) Draw(width, dpi int) (image.Image, error) { return c.draw(width, dpi) }

func (c Copy) draw(width, dpi int) (image.Image, error) {
	p := newPage(width, dpi)
	if p.err != nil {
		return nil, p.err
	}
	in := func(t catalog.Text) string { return t.In(c.Lang) }
	p.head(in(words.Name), c.Place.In(c.Lang))
	p.text(in(words.CopyHead), style{face: bold, size: 4.6, center: true, invert: true})
	p.gap(0.8)
	p.text(in(words.CopyLaw), style{face: regular, size: 3})
	if c.Marked {
		p.gap(1.2)
		p.text(in(words.Repeat), style{face: bold, size: 5.6, center: true, invert: true})
		p.gap(0.8)
		p.text(in(words.CopyRepeat), style{face: regular, size: 3.2})
	}
	p.gap(2.5)
	p.text(in(c.Title), style{face: bold, size: 6})
	p.gap(2)
	p.field(in(words.Subject), c.Subject.Reveal(), 5)
	p.field(in(words.ID), c.ID, 4.2)
	sealed := 0
	for _, f := range c.Facts {
		if f.Sealed {
			sealed++
		}
		p.fact(f, c.Part)
	}
	if c.Part {
		p.text(fmt.Sprintf(in(words.Sealed), sealed, len(c.Facts)), style{face: regular, size: 3})
		p.gap(1.2)
	}
	p.gap(0.6)
	p.rule(0.25)
	p.gap(1.6)
	p.field(in(words.Certified), in(c.Agency), 4.2)
	p.field(in(words.Signer), c.Signer, 3.8)
	p.field(in(words.Signed), moment(c.Signed, c.Lang), 3.8)
	if c.Seal != "" {
		p.code(c.Seal, 56)
		p.text(in(words.SealCopy), style{face: regular, size: 3.2, center: true})
	}
	if c.Check != "" {
		p.gap(1.6)
		p.boxed(func() {
			p.text(in(words.CheckLabel), style{face: regular, size: 3.4, center: true})
			p.big(halved(c.Check))
			if c.Look != "" {
				p.text(in(words.CheckAt)+c.Look, style{face: regular, size: 3.2, center: true})
			}
		})
	}
	p.gap(2)
	small := style{face: regular, size: 3}
	p.text(in(words.Request)+" "+edoc.FormatCode(c.Code)+". "+in(words.RequestOf)+": "+day(c.Requested, c.Lang)+".", small)
	p.text(in(words.Pages)+": "+strconv.Itoa(c.Pages)+".", small)
	p.text(in(words.Original)+":", small)
	p.text(prefix(c.Document[:]), style{face: mono, size: 3.4})
	p.text(in(words.Printed)+": "+moment(c.Printed, c.Lang)+", "+in(words.Kiosk)+c.Kiosk, small)
	p.gap(2)
	p.border()
	return p.finish()
}

// fact sets a fact; where the seal repeats some of them only, with a sign in the
// margin before each that it does.
func (p *page) fact(f Fact, part bool) {
	y := p.y
	p.field(f.Label, f.Value.Reveal(), 4.6)
	if p.err == nil && part && f.Sealed {
		side := p.dots(1)
		p.fill(p.dots(0.4), y+p.dots(1.6), side, side, black)
	}
}

// field sets a label and, below it, what it says.
func (p *page) field(label, value string, size float64) {
	if value == "" {
		return
	}
	p.text(label, style{face: regular, size: 3.2})
	p.text(value, style{face: bold, size: size})
	p.gap(1.2)
}

// halved sets a dot in the middle of a number that has no groups of its own:
// people read, and type, in pieces.
func halved(number string) string {
	r := []rune(number)
	if len(r) < 8 || strings.ContainsAny(number, "-· ") {
		return number
	}
	return string(r[:len(r)/2]) + "·" + string(r[len(r)/2:])
}
