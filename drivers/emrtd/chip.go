package emrtd

import (
	"context"
	"errors"
	"fmt"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/emrtd/lds"
	"github.com/penjire/penjire/drivers/emrtd/sm"
	"github.com/penjire/penjire/drivers/iso7816"
)

// AID is the application identifier of travel documents (9303-10, 3.4).
var AID = []byte{0xA0, 0x00, 0x00, 0x02, 0x47, 0x10, 0x01}

// Instructions (9303-10, 3.6 and 9303-11).
const (
	insManage       = 0x22 // MANAGE SECURITY ENVIRONMENT
	insMutual       = 0x82 // EXTERNAL AUTHENTICATE, mutual
	insChallenge    = 0x84
	insAuthenticate = 0x86 // GENERAL AUTHENTICATE
	insSelect       = 0xA4
	insRead         = 0xB0
	insReadOdd      = 0xB1

	claChain = 0x10
)

// Chip is a travel document's chip that was opened. It is good until the card
// leaves the reader. Its methods may not be called at the same time.
type Chip struct {
	Access   Access
	Security lds.Security // what EF.CardAccess offered; not signed

	ch   *iso7816.Channel
	sec  *sm.Session // nil: in the clear
	dead error       // why secure messaging has ended
	most int         // bytes to ask for at a time
	o    Opts
}

// Open opens the chip behind t: with PACE if it has that, else with BAC.
//
// A chip without EF.CardAccess counts as one without PACE. Someone between
// reader and chip can hide that file; [Passport.Judge] says so where the chip's
// signed data tells of PACE.
//
// Where t is [iso7816.Capable], and chip and reader have both said that they
// take extended lengths, files are read in larger pieces.
func Open(ctx context.Context, t iso7816.Transmitter, p Password, o Opts) (*Chip, error) {
	if p.ref == 0 {
		return nil, fmt.Errorf("emrtd: open: no password: %w", ErrNoAccess)
	}
	t, most, err := pieces(ctx, t)
	if err != nil {
		return nil, fmt.Errorf("emrtd: open: %w", err)
	}
	c := &Chip{ch: iso7816.NewChannel(t), most: most, o: o}
	raw, err := c.cardAccess(ctx)
	if err != nil {
		return nil, fmt.Errorf("emrtd: open: %w", err)
	}
	if raw != nil {
		if c.Security, err = lds.ParseSecurity(raw); err != nil {
			return nil, fmt.Errorf("emrtd: open: EF.CardAccess: %w", err)
		}
	}
	switch info, ok := best(c.Security.PACE); {
	case ok:
		if err := c.pace(ctx, info, p); err != nil {
			return nil, fmt.Errorf("emrtd: open with PACE and %v: %w", p, err)
		}
		if err := c.selectApplication(ctx); err != nil {
			return nil, fmt.Errorf("emrtd: open: %w", err)
		}
		return c, nil
	case len(c.Security.PACE) > 0 && !o.BACInstead:
		return nil, fmt.Errorf("emrtd: open: chip has PACE only in kinds that are not known here: %w", ErrNoAccess)
	case p.ref != refMRZ:
		return nil, fmt.Errorf("emrtd: open: chip has no PACE, and BAC takes the machine-readable zone: %w", ErrNoAccess)
	}
	if err := c.selectApplication(ctx); err != nil {
		return nil, fmt.Errorf("emrtd: open: %w", err)
	}
	if err := c.bac(ctx, p); err != nil {
		return nil, fmt.Errorf("emrtd: open with BAC: %w", err)
	}
	return c, nil
}

// pieces finds out how much may be read at a time.
func pieces(ctx context.Context, t iso7816.Transmitter) (iso7816.Transmitter, int, error) {
	k, ok := t.(iso7816.Capable)
	if !ok || !k.Capabilities().Extended || k.Capabilities().Protocol == device.T0 {
		return t, shortRead, nil
	}
	can, err := iso7816.ReadLimits(ctx, t, k.Capabilities())
	if err != nil {
		return nil, 0, err
	}
	if can.InFile && can.MaxResponse == 0 { // the file that should say is not there
		return t, shortRead, nil
	}
	n := longRead
	if can.MaxResponse > 0 {
		n = min(n, can.MaxResponse-2-sm.Overhead)
	}
	return iso7816.With(t, can), max(n, shortRead), nil
}

// cardAccess reads EF.CardAccess of the master file, nil if there is none.
func (c *Chip) cardAccess(ctx context.Context) ([]byte, error) {
	b, err := c.File(ctx, lds.CardAccess)
	if !errors.Is(err, errNoFile) {
		return b, err
	}
	// Some chips want the master file selected by name, and some do not know it.
	_, err = c.do(ctx, iso7816.Command{Ins: insSelect, P2: 0x0C, Data: []byte{0x3F, 0x00}})
	if err != nil && iso7816.StatusOf(err) == 0 {
		return nil, err
	}
	b, err = c.File(ctx, lds.CardAccess)
	if errors.Is(err, errNoFile) {
		return nil, nil
	}
	return b, err
}

func (c *Chip) selectApplication(ctx context.Context) error {
	_, err := c.do(ctx, iso7816.Command{Ins: insSelect, P1: 0x04, P2: 0x0C, Data: AID})
	if iso7816.StatusOf(err) != 0 {
		return fmt.Errorf("%w (%w)", ErrNotPassport, err)
	}
	return err
}

// do sends one command, protected if the chip is open. A status other than 9000
// and 6282 is a *iso7816.StatusError.
func (c *Chip) do(ctx context.Context, cmd iso7816.Command) ([]byte, error) {
	if c.dead != nil {
		return nil, fmt.Errorf("%w: %w", ErrEnded, c.dead)
	}
	if c.sec == nil {
		return warned(c.ch.Do(ctx, cmd))
	}
	sealed, err := c.ch.Do(ctx, c.sec.Wrap(cmd))
	if err != nil && len(sealed) == 0 {
		// In the clear: the chip has ended the session, or someone else says so.
		c.dead = err
		return nil, err
	}
	data, sw, err := c.sec.Unwrap(cmd.Ins, sealed)
	if err != nil {
		c.dead = err
		return nil, fmt.Errorf("command %02X: %w", cmd.Ins, err)
	}
	if sw != iso7816.OK {
		return warned(data, &iso7816.StatusError{Ins: cmd.Ins, SW: sw})
	}
	return data, nil
}

// endOfFile is a warning: less data than asked for.
const endOfFile iso7816.SW = 0x6282

func warned(data []byte, err error) ([]byte, error) {
	if iso7816.StatusOf(err) == endOfFile {
		return data, nil
	}
	return data, err
}

// Reading.
const (
	longRead  = 2 << 10 // a card that moves loses no more
	shortRead = 223     // its protected answer fits 256 bytes with every suite
	maxFile   = 1 << 18 // faces of chips have some 20 kB
	maxOffset = 0x7FFF  // of READ BINARY with the even instruction
	headSize  = 5       // tag and length of a file
)

// errNoFile is a file that the chip does not let be selected.
var errNoFile = errors.New("no such file")

// File reads a whole file, its length from its first data object. Bytes after
// that are not read.
func (c *Chip) File(ctx context.Context, f lds.File) ([]byte, error) {
	if f == lds.Group(3).File() || f == lds.Group(4).File() {
		return nil, fmt.Errorf("emrtd: read %v: it is never read: %w", f, device.ErrUnsupported)
	}
	_, err := c.do(ctx, iso7816.Command{Ins: insSelect, P1: 0x02, P2: 0x0C, Data: []byte{byte(f >> 8), byte(f)}})
	if iso7816.StatusOf(err) != 0 && c.dead == nil {
		return nil, fmt.Errorf("emrtd: read %v: %w (%w)", f, errNoFile, err)
	}
	if err != nil {
		return nil, fmt.Errorf("emrtd: read %v: %w", f, err)
	}
	b, err := c.read(ctx, 0, headSize)
	if err != nil {
		return nil, fmt.Errorf("emrtd: read %v: %w", f, err)
	}
	size, err := fileSize(b)
	if err != nil {
		return nil, fmt.Errorf("emrtd: read %v: %w", f, err)
	}
	for len(b) < size {
		part, err := c.read(ctx, len(b), min(size-len(b), c.most))
		if err != nil {
			return nil, fmt.Errorf("emrtd: read %v at %d of %d: %w", f, len(b), size, err)
		}
		if len(part) == 0 || len(part) > size-len(b) {
			return nil, fmt.Errorf("emrtd: read %v at %d of %d: got %d bytes: %w", f, len(b), size, len(part), device.ErrProtocol)
		}
		b = append(b, part...)
	}
	return b[:size], nil
}

// read is one READ BINARY of the selected file.
func (c *Chip) read(ctx context.Context, offset, n int) ([]byte, error) {
	if offset <= maxOffset {
		return c.do(ctx, iso7816.Command{Ins: insRead, P1: byte(offset >> 8), P2: byte(offset), Le: n})
	}
	// The odd instruction has offset and data in data objects 54 and 53; the
	// answer's tag and length take up to four bytes.
	at := iso7816.AppendTLV(nil, 0x54, []byte{byte(offset >> 16), byte(offset >> 8), byte(offset)})
	out, err := c.do(ctx, iso7816.Command{Ins: insReadOdd, Data: at, Le: min(n+4, c.most)})
	if err != nil {
		return nil, err
	}
	return lds.Only(out, 0x53)
}

// fileSize tells a file's length from its first bytes.
func fileSize(head []byte) (int, error) {
	bad := func() (int, error) { return 0, fmt.Errorf("file begins with no data object: %w", device.ErrProtocol) }
	if len(head) < 2 || head[0]&0x1F == 0x1F { // all files have tags of one byte
		return bad()
	}
	n, used := int(head[1]), 2
	if n >= 0x80 {
		k := n & 0x7F
		if k < 1 || k > 3 || len(head) < 2+k {
			return bad()
		}
		n, used = 0, 2+k
		for _, x := range head[2 : 2+k] {
			n = n<<8 | int(x)
		}
	}
	if used+n > maxFile {
		return 0, fmt.Errorf("file says it has %d bytes, over %d: %w", used+n, maxFile, device.ErrProtocol)
	}
	return used + n, nil
}
