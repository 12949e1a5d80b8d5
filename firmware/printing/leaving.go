package printing

import (
	"encoding/hex"
	"image"
	"time"

	"github.com/penjire/penjire/sync/catalog"
)

// Leaving is the paper that says that a kiosk went out of service: for the file of
// whoever takes it away. What proves it is the signed file that it names.
type Leaving struct {
	Kiosk string
	Place catalog.Text
	Made  time.Time // in the kiosk's time zone
	Size  int64     // of the journal
	Root  [32]byte
	File  string // name of the proof on the stick
}

// leavingWords are said in all three languages: whoever files it may read any.
var leavingWords = struct{ Head, Erased catalog.Text }{
	Head: catalog.Text{TK: "KIOSK IŞDEN ÇYKARYLDY", RU: "КИОСК ВЫВЕДЕН ИЗ РАБОТЫ", EN: "KIOSK OUT OF SERVICE"},
	Erased: catalog.Text{
		TK: "Ähli sargytnamalary portal aldy. Kioskyň açarlary pozuldy.",
		RU: "Все заявки получены порталом. Ключи киоска стёрты.",
		EN: "The portal has every request. The kiosk's keys are erased.",
	},
}

// Draw draws the paper, as [Receipt.Draw] does.
func (l Leaving) Draw(width, dpi int) (image.Image, error) {
	p := newPage(width, dpi)
	if p.err != nil {
		return nil, p.err
	}
	p.head(words.Name.TK, l.Place.TK)
	for _, lang := range []string{"tk", "ru", "en"} {
		p.text(leavingWords.Head.In(lang), style{face: bold, size: 4.6, center: true})
	}
	p.gap(1.6)
	p.rule(0.25)
	p.gap(1.6)
	for _, lang := range []string{"tk", "ru", "en"} {
		p.text(leavingWords.Erased.In(lang), style{face: regular, size: 3.6})
	}
	p.gap(1.6)
	small := style{face: regular, size: 3}
	p.text(words.Kiosk.EN+l.Kiosk, small)
	p.text(moment(l.Made, "en"), small)
	p.text(words.Tree.EN+grouped(l.Size), small)
	p.text(words.Root.EN, small)
	p.text(hex.EncodeToString(l.Root[:]), style{face: mono, size: 2.6})
	p.text(l.File, style{face: mono, size: 2.6})
	return p.finish()
}
