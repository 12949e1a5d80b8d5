package modem

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/warthog618/sms"
	"github.com/warthog618/sms/encoding/pdumode"
	"github.com/warthog618/sms/encoding/tpdu"

	"github.com/penjire/penjire/drivers/call"
	"github.com/penjire/penjire/drivers/device"
)

// Errors that callers branch on.
var (
	ErrNumber = errors.New("number is not of 3 to 15 digits")
	ErrText   = errors.New("text is empty or too long for a message")
)

// maxParts is how long a message may be: about 660 Turkmen or Russian letters.
const maxParts = 10

// message is a message in the modem, whole: its parts and where they stand.
type message struct {
	sms   device.SMS
	key   [sha256.Size]byte
	parts []int
}

// Send implements device.Modem.
func (d *Dev) Send(ctx context.Context, to, text string) error {
	parts, err := encode(to, text)
	if err != nil {
		return call.Told(d.String(), "send a message", call.Failed(device.SideEffectNo, err))
	}
	return d.call(ctx, "send a message", func(ctx context.Context) error {
		if d.sim != "" {
			return call.Failed(device.SideEffectNo, fmt.Errorf("SIM: %s: %w", d.sim, device.ErrUnsupported))
		}
		for i, part := range parts {
			if err := d.sendPart(ctx, d.now, part); err != nil {
				if i > 0 { // the network has a part of it
					return call.Failed(device.SideEffectUnknown, err)
				}
				return err
			}
		}
		return nil
	})
}

// encode makes the PDUs of a message. Letters outside GSM's own alphabet, as ý and ş
// are, make it UCS-2 (23.038): 70 letters, or 67 in each part of a longer one.
func encode(to, text string) ([]tpdu.TPDU, error) {
	digits := strings.TrimPrefix(to, "+")
	if len(digits) < 3 || len(digits) > 15 || strings.Trim(digits, "0123456789") != "" {
		return nil, ErrNumber
	}
	if text == "" {
		return nil, ErrText
	}
	parts, err := sms.Encode([]byte(text), sms.To(to))
	if err != nil || len(parts) == 0 || len(parts) > maxParts {
		return nil, ErrText // the library's error may hold the text
	}
	return parts, nil
}

// sendPart gives one part to the network. Until the end of the PDU has gone out
// nothing has happened; from then on only the network's answer says.
func (d *Dev) sendPart(ctx context.Context, p *port, part tpdu.TPDU) error {
	no := func(err error) error { return call.Failed(device.SideEffectNo, err) }
	b, err := part.MarshalBinary()
	if err != nil {
		return no(ErrText)
	}
	// No service centre here: the SIM's own.
	pdu := "00" + strings.ToUpper(hex.EncodeToString(b))
	if _, err := p.command(ctx, promptTime, "+CMGS="+strconv.Itoa(len(b)), ">"); err != nil {
		return no(err) // if it waits for the text by now, the next command calms it
	}
	if err := p.write(pdu); err != nil {
		p.dirty = true // a text without its end is never sent
		return no(err)
	}
	if err := p.write("\x1a"); err != nil {
		return call.Failed(device.SideEffectUnknown, err)
	}
	// Not the caller's time: the line is the modem's until it has answered.
	_, err = p.answer(d.own.Ctx, d.o.Network, "+CMGS:")
	var r refusal
	p.dirty = err != nil && !errors.As(err, &r)
	switch {
	case err == nil:
		return nil
	case errors.As(err, &r):
		return no(err)
	case errors.Is(err, context.Canceled):
		return call.Failed(device.SideEffectUnknown, device.ErrHalted)
	}
	return call.Failed(device.SideEffectUnknown, err)
}

// list looks what messages the modem holds. What was handed over already is removed.
func (d *Dev) list(ctx context.Context, p *port) error {
	a, err := p.command(ctx, simTime, "+CMGL=4", "+CMGL:")
	var r refusal
	if errors.As(err, &r) {
		return nil // its SIM may still be busy
	}
	if err != nil {
		return err
	}
	all := assemble(a)
	d.mu.Lock()
	var stale []message
	there := map[[sha256.Size]byte]bool{}
	d.inbox = all
	for _, m := range all {
		there[m.key] = true
		if d.given[m.key] {
			stale = append(stale, m)
		}
	}
	for k := range d.given {
		if !there[k] {
			delete(d.given, k)
		}
	}
	d.mu.Unlock()
	for _, m := range stale {
		if err := d.remove(ctx, p, m); err != nil {
			return err
		}
	}
	if len(all) > len(stale) {
		d.post.Wake()
	}
	return nil
}

// remove deletes the parts of m. The modem renumbers nothing.
func (d *Dev) remove(ctx context.Context, p *port, m message) error {
	for _, i := range m.parts {
		if _, err := p.command(ctx, simTime, "+CMGD="+strconv.Itoa(i), ""); err != nil {
			return err
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.given, m.key) // the next one in its place may be the same
	d.inbox = slices.DeleteFunc(slices.Clone(d.inbox), func(o message) bool { return o.key == m.key })
	return nil
}

// stored is one entry of a list.
type stored struct {
	index int
	pdu   *tpdu.TPDU
	raw   string
}

// assemble makes messages of a list's lines, pairs of "+CMGL: index,state,…" and a
// PDU. What is no message from somebody, or has parts missing, is left where it is.
func assemble(lines []string) []message {
	type group struct {
		from     string
		ref, all int
	}
	parts := map[group][]stored{}
	var order []group
	for i := 0; i+1 < len(lines); i += 2 {
		f := fields(lines[i])
		if len(f) == 0 {
			continue
		}
		index, err := strconv.Atoi(f[0])
		if err != nil || index < 0 {
			continue
		}
		t, ok := parsePDU(lines[i+1])
		if !ok {
			continue
		}
		all, _, ref, concat := t.ConcatInfo()
		g := group{t.OA.Number(), ref, all}
		if !concat || all < 2 {
			g = group{"", index, 1}
		}
		if parts[g] == nil {
			order = append(order, g)
		}
		parts[g] = append(parts[g], stored{index, t, lines[i+1]})
	}
	var out []message
	for _, g := range order {
		if m, ok := whole(parts[g], g.all); ok {
			out = append(out, m)
		}
	}
	return out
}

// whole makes one message of its parts, if they are all there. A part that is there
// twice counts once, and is removed with the others.
func whole(ps []stored, all int) (message, bool) {
	seq := func(s stored) int {
		_, n, _, _ := s.pdu.ConcatInfo()
		return n
	}
	slices.SortStableFunc(ps, func(a, b stored) int { return cmp.Compare(seq(a), seq(b)) })
	var m message
	var segments []*tpdu.TPDU
	h := sha256.New()
	for i, p := range ps {
		m.parts = append(m.parts, p.index)
		if i > 0 && all > 1 && seq(p) == seq(ps[i-1]) {
			continue
		}
		segments = append(segments, p.pdu)
		_, _ = h.Write([]byte(p.raw)) // a hash has no error
	}
	if len(segments) != all {
		return m, false
	}
	text, err := sms.Decode(segments)
	if err != nil {
		return m, false
	}
	m.sms = device.SMS{From: segments[0].OA.Number(), Text: string(text), At: segments[0].SCTS.Time}
	// Where it stands belongs to it: somebody may send the same twice in a second.
	_, _ = fmt.Fprint(h, m.parts)
	h.Sum(m.key[:0])
	return m, true
}

// parsePDU reads a message that came, in hexadecimal digits, with its service centre.
func parsePDU(s string) (t *tpdu.TPDU, ok bool) {
	p, err := pdumode.UnmarshalHexString(s)
	if err != nil {
		return nil, false
	}
	t, err = sms.Unmarshal(p.TPDU)
	return t, err == nil && t.SmsType() == tpdu.SmsDeliver
}
