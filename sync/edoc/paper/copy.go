package paper

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/paper/pdf"
)

// set sets the whole copy. pages is how many it says it has.
func (c *content) set(s *sheet, pages int) error {
	s.page = s.file.Page(pageW, pageH)
	s.y = top
	c.masthead(s)
	s.text(c.doc.Name, style{s.bold, 7, ink})
	if c.doc.Heading != c.doc.Name {
		s.gap(0.6)
		s.text(c.doc.Heading, style{s.regular, 4, soft})
	}
	s.gap(3.5)
	c.body(s)
	if err := c.certificate(s); err != nil {
		return err
	}
	c.requisites(s, pages)
	return nil
}

// masthead is the top of the first page: whose paper this is, and what it is.
func (c *content) masthead(s *sheet) {
	s.carpet(s.y, 3)
	s.gap(7)
	const side = 16
	s.gol(left, s.y, side)
	x := float64(left + side + 5)
	name, at := style{s.bold, 4.9, green}, style{s.regular, 3.1, soft}
	y := s.lines(x, s.y+1.2, name, wrap(name, c.doc.Sender.Organisation, pageW-right-x))
	y = s.lines(x, y+0.6, at, wrap(at, c.doc.Sender.Postal.Reveal(), pageW-right-x))
	s.y = max(y, s.y+side) + 4

	// The words of the law, white on green.
	head, more := style{s.bold, 5.2, white}, style{s.regular, 3.7, white}
	second := c.in(words.Head)
	h := head.step() + 5
	if second != "" {
		h += more.step()
	}
	s.page.Fill(green, pdf.Rect{X: left, Y: s.y, W: inner, H: h})
	y = s.lines(left+5, s.y+2.5, head, []string{upperFirst(official)})
	if second != "" {
		s.lines(left+5, y, more, []string{second})
	}
	s.y += h + 2
	s.text(c.in(words.Law), style{s.regular, 3, soft})
	s.gap(4.5)
}

// body is what the document says: whom it is about, its facts, its words.
func (c *content) body(s *sheet) {
	t := table{label: style{s.regular, 3.4, soft}, value: style{s.bold, 4.1, ink}, width: 60, pad: 0.95}
	to := c.doc.Addressee
	rows := []row{}
	if who := fullName(to); who != "" {
		rows = append(rows, row{label: c.in(words.Subject), value: who})
	}
	if !to.ID.IsZero() {
		rows = append(rows, row{label: c.in(words.ID), value: to.ID.Masked()})
	}
	s.rows(t, append(rows, c.facts...))
	if c.Seal.Total != 0 {
		s.gap(1.5)
		s.text(fmt.Sprintf(c.in(words.Sealed), len(c.Seal.Facts), c.Seal.Total), style{s.regular, 3, soft})
	}
	if !c.doc.Text.IsZero() {
		s.gap(4)
		s.need(15)
		s.text(c.in(words.Answer), style{s.regular, 3.4, soft})
		s.gap(0.5)
		s.text(c.doc.Text.Reveal(), style{s.regular, 4, ink})
	}
	s.gap(5)
}

// certificate is the frame with the seal: who certifies, and how to check. It
// stays on one page.
func (c *content) certificate(s *sheet) error {
	qr, module, err := code(c.Seal.URL(c.Portal))
	if err != nil {
		return err
	}
	const edge = 0.6
	side := float64(qr.Size+2*quiet) * module
	x := left + edge + side + 2
	width := pageW - right - 4 - x
	small, strong := style{s.regular, 3, soft}, style{s.bold, 4, ink}
	plain := style{s.regular, 3.5, ink}
	big := style{s.mono, 8.4, green}
	type part struct {
		st    style
		lines []string
		gap   float64 // after it
	}
	var parts []part
	add := func(st style, text string, gap float64) { parts = append(parts, part{st, wrap(st, text, width), gap}) }
	signed := c.report.Claimed
	add(small, c.in(words.Certified), 0)
	add(strong, c.doc.Sender.Organisation, 1.4)
	add(small, c.in(words.Signer), 0)
	add(plain, c.report.SignerName, 0)
	add(plain, c.in(words.Signed)+": "+c.moment(signed), 0)
	if !c.report.Trusted.IsZero() {
		add(plain, c.in(words.Stamped)+": "+c.moment(c.report.Trusted), 0)
	}
	parts[len(parts)-1].gap = 2
	add(small, c.in(words.Check), 0)
	add(big, edoc.FormatCode(c.Seal.CheckNumber()), 0.8)
	for _, w := range []string{c.in(words.CheckPhone), fmt.Sprintf(c.in(words.CheckWeb), c.place())} {
		add(style{s.regular, 3.2, ink}, w, 0.5)
	}
	height := 7.0
	for _, p := range parts {
		height += float64(len(p.lines))*p.st.step() + p.gap
	}
	height = max(height, side+2*edge)
	s.need(height)
	y0 := s.y
	s.page.Fill(green,
		pdf.Rect{X: left, Y: y0, W: inner, H: edge}, pdf.Rect{X: left, Y: y0 + height - edge, W: inner, H: edge},
		pdf.Rect{X: left, Y: y0, W: edge, H: height}, pdf.Rect{X: left + inner - edge, Y: y0, W: edge, H: height})
	s.drawCode(qr, module, left+edge, y0+(height-side)/2)
	y := y0 + 3.5
	for _, p := range parts {
		y = s.lines(x, y, p.st, p.lines) + p.gap
	}
	s.y = y0 + height + 4.5
	return nil
}

// requisites are those of ED-7, whole, and what else names the original.
func (c *content) requisites(s *sheet, pages int) {
	d := c.doc
	registered := c.Registered
	if registered.IsZero() {
		registered = d.Made
	}
	id := c.Answer.ID()
	add := func(rs *[]row, label, value string) {
		if value != "" {
			*rs = append(*rs, row{label: label, value: value})
		}
	}
	var document, parties, rest []row
	add(&document, c.in(words.Name), d.Name)
	add(&document, c.in(words.Heading), d.Heading)
	add(&document, c.in(words.Made), c.moment(d.Made))
	add(&document, c.in(words.Registered), c.moment(registered))
	add(&document, c.in(words.Pages), fmt.Sprintf(c.in(words.PagesOf), d.Pages, pages))
	add(&document, c.in(words.Request), edoc.FormatCode(c.Code))
	add(&parties, c.in(words.From), d.Sender.Organisation)
	add(&parties, c.in(words.Position), d.Sender.Position)
	add(&parties, c.in(words.Postal), d.Sender.Postal.Reveal())
	add(&parties, c.in(words.Email), d.Sender.Email.Reveal())
	add(&parties, c.in(words.To), join(", ", fullName(d.Addressee), d.Addressee.Organisation))
	add(&parties, c.in(words.Position), d.Addressee.Position)
	add(&parties, c.in(words.Postal), d.Addressee.Postal.Reveal())
	add(&parties, c.in(words.Email), d.Addressee.Email.Reveal())
	add(&rest, c.in(words.Regulation), d.Regulation)
	add(&rest, c.in(words.Original), groups(hex.EncodeToString(id[:16])))
	for i, a := range d.Attachments {
		r := row{value: a.Name + ", " + strconv.FormatInt(a.Size, 10) + " B, SHA-256 " + groups(hex.EncodeToString(a.SHA256[:8]))}
		if i == 0 {
			r.label = c.in(words.Attachments)
		}
		rest = append(rest, r)
	}
	t := table{label: style{s.regular, 2.9, soft}, value: style{s.regular, 3.1, ink}, width: 29, pad: 0.45}
	s.need(45)
	s.text(c.in(words.Requisites), style{s.bold, 3.8, green})
	s.gap(0.8)
	s.columns(t, document, parties)
	s.rows(t, rest)
}

// continued is the top of a further page: what this is a page of.
func (c *content) continued(s *sheet) {
	s.carpet(s.y, 2)
	s.gap(4)
	st := style{s.regular, 3.1, soft}
	s.y = s.lines(left, s.y, st, wrap(st, c.doc.Sender.Organisation, inner))
	st = style{s.bold, 3.6, ink}
	s.y = s.lines(left, s.y, st, wrap(st, c.doc.Name+" ("+c.in(words.Continued)+")", inner))
	s.gap(4)
}

// feet puts under every page what it is, its number, and how the copy is checked.
func (c *content) feet(s *sheet) {
	pages := s.file.Pages()
	for i, p := range pages {
		s.page, s.y = p, bottom+3.5
		s.rule(green, 0.4)
		s.gap(1.2)
		what := official
		if second := c.in(words.Head); second != "" {
			what += " · " + lowerFirst(second)
		}
		st := style{s.regular, 3, soft}
		s.lines(left, s.y, st, []string{what})
		number := style{s.bold, 3.6, ink}
		n := fmt.Sprintf("%d / %d", i+1, len(pages))
		s.lines(pageW-right-number.font.Width(n, number.size), s.y-0.3, number, []string{n})
		s.gap(st.step())
		label := c.in(words.Check) + " "
		s.lines(left, s.y, st, []string{label})
		mono := style{s.mono, 3.1, ink}
		x := left + st.font.Width(label, st.size)
		number10 := edoc.FormatCode(c.Seal.CheckNumber())
		s.lines(x, s.y, mono, []string{number10})
		x += mono.font.Width(number10, mono.size)
		s.lines(x, s.y, st, []string{" · " + c.place()})
	}
}

func fullName(p edoc.Party) string {
	return join(" ", p.Surname.Reveal(), p.Name.Reveal(), p.Patronymic.Reveal())
}

// join joins what is there.
func join(sep string, parts ...string) string {
	var out []string
	for _, p := range parts {
		if p != "" {
			out = append(out, p)
		}
	}
	return strings.Join(out, sep)
}

// groups writes hexadecimal digits in fours, as people compare them.
func groups(digits string) string {
	var g []string
	for len(digits) > 4 {
		g, digits = append(g, digits[:4]), digits[4:]
	}
	return strings.Join(append(g, digits), " ")
}

func upperFirst(s string) string {
	r := []rune(s)
	return strings.ToUpper(string(r[:1])) + string(r[1:])
}

func lowerFirst(s string) string {
	r := []rune(s)
	return strings.ToLower(string(r[:1])) + string(r[1:])
}
