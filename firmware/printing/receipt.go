// Package printing puts on paper what a citizen takes home: the receipt of an
// accepted request and the certified paper copy of an answer. It lays both out
// as pictures, dot by dot, so that every printer prints the same letters
// (Turkmen ones too), and it drains the outbox's queue of print jobs.
//
// It asks nothing and keeps nothing: what stands on the paper is handed in.
package printing

import (
	"encoding/hex"
	"image"
	"strconv"
	"strings"
	"time"

	"github.com/penjire/penjire/sync/catalog"
	"github.com/penjire/penjire/sync/edoc"
)

// Receipt is the paper that a citizen holds against kiosk and portal alike
// (DESIGN 1.3). It names no one.
type Receipt struct {
	Lang    string       // "tk", "ru" or "en"
	Kiosk   string       // its id
	Place   catalog.Text // where it stands
	Service catalog.Text
	Agency  catalog.Text
	Code    string    // tracking code, as sync/edoc gives it; empty: nobody knows it any more
	Made    time.Time // claimed time of the signature, in the kiosk's time zone
	Due     time.Time // zero: not known
	Index   int64     // of the journal entry, from 0
	Size    int64     // of the journal's tree with that entry
	Root    [32]byte  // of that tree
	Seal    string    // text of the QR code: the sealed receipt as a URL
	Look    string    // where to look up the code, as people type it: "portal.example/status"
	// SealNew: no trust bundle lists the kiosk yet, so only the portal can check Seal.
	SealNew bool
	// NoCard: the service identified no one, so only the code finds the request.
	NoCard bool
	// Received: the portal's receipt is verified already. Without it the paper
	// says «kept safely», and nothing more (DESIGN 1.4).
	Received bool
	// Marked: an earlier print may be out. The paper says that it is a repeat.
	Marked bool
}

// Draw draws the receipt for a printer with width dots in a line and dpi dots
// per inch. Everything is drawn in whole dots, black on white.
func (r Receipt) Draw(width, dpi int) (image.Image, error) { return r.draw(width, dpi) }

func (r Receipt) draw(width, dpi int) (image.Image, error) {
	p := newPage(width, dpi)
	if p.err != nil {
		return nil, p.err
	}
	in := func(t catalog.Text) string { return t.In(r.Lang) }
	p.head(in(words.Name), r.Place.In(r.Lang))
	if r.Marked {
		p.text(in(words.Repeat), style{face: bold, size: 5.6, center: true, invert: true})
		p.gap(0.8)
		p.text(in(words.RepeatWhy), style{face: regular, size: 3.2})
		p.gap(1.6)
	}
	p.text(in(r.Service), style{face: bold, size: 5})
	p.text(in(r.Agency), style{face: regular, size: 3.6})
	p.gap(2)
	if r.Code != "" {
		p.boxed(func() {
			p.text(in(words.CodeLabel), style{face: regular, size: 3.6, center: true})
			p.big(edoc.FormatCode(r.Code))
		})
		p.gap(3)
	}

	p.step(done, in(words.Kept), in(words.KeptAt)+moment(r.Made, r.Lang))
	if r.Received {
		p.step(done, in(words.Received), in(words.ReceivedMore))
	} else {
		p.step(waiting, in(words.NotSent), in(words.NotSentMore))
	}
	by := ""
	if !r.Due.IsZero() {
		by = in(words.AnswerBy) + day(r.Due, r.Lang)
	}
	p.step(waiting, in(words.Answer), by)
	p.gap(1)
	p.rule(0.25)
	p.gap(1.6)

	p.text(in(words.LookHead), style{face: bold, size: 4})
	look := words.LookKiosk
	if r.NoCard {
		look = words.LookCode
	}
	p.text(in(look), style{face: regular, size: 3.6})
	if r.Look != "" {
		p.text(in(words.LookWeb)+r.Look, style{face: regular, size: 3.6})
	}
	p.text(in(words.Keep), style{face: bold, size: 3.6})
	if r.Seal != "" {
		p.code(r.Seal, 46)
		says := words.SealReceipt
		if r.SealNew {
			says = words.SealNew
		}
		p.text(in(says), style{face: regular, size: 3.2, center: true})
	}
	p.gap(2)
	p.rule(0.25)
	p.gap(1.2)
	small := style{face: regular, size: 3}
	p.text(in(words.Proof), style{face: bold, size: 3})
	p.text(in(words.Kiosk)+r.Kiosk, small)
	p.text(in(words.Entry)+grouped(r.Index), small)
	p.text(in(words.Tree)+grouped(r.Size), small)
	p.text(in(words.Root), small)
	p.text(prefix(r.Root[:]), style{face: mono, size: 3.4})
	p.gap(2)
	p.border()
	return p.finish()
}

// big sets a tracking code as large as the line allows.
func (p *page) big(code string) {
	if p.err != nil || code == "" {
		return
	}
	const advance = 0.6 // of Noto Sans Mono, in ems
	room := float64(p.inner()-p.dots(4)) / p.dpmm
	size := min(room/(advance*float64(len([]rune(code)))), 12)
	p.text(code, style{face: mono, size: size, center: true})
}

// day is catalog.Day, kept on one line.
func day(t time.Time, lang string) string {
	return strings.ReplaceAll(catalog.Day(t, lang), " ", "\u00a0")
}

// moment is a day and the time of it.
func moment(t time.Time, lang string) string {
	return day(t, lang) + ", " + t.Format("15:04")
}

// grouped is n with a thin gap between thousands, as all three languages write it.
func grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "\u00a0" + s[i:]
	}
	return s
}

// prefix is the start of a digest, as much as a person compares by eye.
func prefix(b []byte) string {
	s := hex.EncodeToString(b[:8])
	return s[:4] + " " + s[4:8] + " " + s[8:12] + " " + s[12:]
}
