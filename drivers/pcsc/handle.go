package pcsc

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/slot"
)

// handle is a card that pcscd has connected us with, on a connection of its own:
// what is late for one card is never read as an answer for the next.
type handle struct {
	*conn
	id       uint32
	protocol uint32
	shared   bool
	used     bool // it has been given an APDU
}

// connect connects with the card in the reader called name. A Code that wraps is
// pcscd's refusal.
func (h *handle) connect(ctx context.Context, name string) error {
	share := uint32(ShareExclusive)
	if h.shared {
		share = ShareShared
	}
	body := append(Words(h.context), Name(name)...)
	body = append(body, Words(share, ProtocolT0|ProtocolT1, 0, 0, 0)...)
	r, err := h.call(ctx, powerTimeout, Connect, body, nil, ConnectSize)
	if err != nil {
		return fmt.Errorf("connect with the card: %w", err)
	}
	tail := r[4+NameSize:]
	if code := Code(Word(tail, 4)); code != OK {
		return fmt.Errorf("connect with the card: %w", code)
	}
	h.id, h.protocol = Word(tail, 2), Word(tail, 3)
	if h.protocol != ProtocolT0 && h.protocol != ProtocolT1 {
		return fmt.Errorf("connect with the card: protocol %d: %w", h.protocol, device.ErrProtocol)
	}
	return nil
}

// order sends a command about the card that is answered with a code.
func (h *handle) order(ctx context.Context, timeout time.Duration, cmd Command, params ...uint32) error {
	body := Words(append(append([]uint32{h.id}, params...), 0)...)
	r, err := h.call(ctx, timeout, cmd, body, nil, len(body))
	if err != nil {
		return err
	}
	return Code(Word(r, len(params)+1)).orNil()
}

// exchange sends one APDU and returns the card's response.
func (h *handle) exchange(ctx context.Context, timeout time.Duration, apdu []byte) ([]byte, error) {
	if len(apdu) > MaxAPDU {
		return nil, slot.Fail(device.SideEffectNo, fmt.Errorf("command of %d bytes, at most %d: %w", len(apdu), MaxAPDU, device.ErrUnsupported))
	}
	out, err := h.alone(ctx, timeout, apdu)
	if !h.used && errors.Is(err, ResetCard) && slot.EffectOf(err) == device.SideEffectNo {
		// Nobody has told the card anything yet: a reset took nothing from it. It
		// comes from pcscd itself when a connection before this one died.
		if rerr := h.order(ctx, powerTimeout, Reconnect, ShareExclusive+b2u(h.shared), h.protocol, LeaveCard, 0); rerr == nil {
			out, err = h.alone(ctx, timeout, apdu)
		}
	}
	h.used = true
	return out, err
}

// alone is exchange while nobody else uses the card.
func (h *handle) alone(ctx context.Context, timeout time.Duration, apdu []byte) ([]byte, error) {
	if !h.shared {
		return h.transmit(ctx, timeout, apdu)
	}
	if err := h.begin(ctx, timeout); err != nil {
		return nil, err
	}
	out, err := h.transmit(ctx, timeout, apdu)
	if err == nil {
		if end := h.order(ctx, askTimeout, EndTransaction, LeaveCard); end != nil {
			// The card answered; that it cannot be let go of concerns the next.
			h.broken = true
		}
	}
	return out, err
}

// turnPause is how long to wait while another program has the card, as
// libpcsclite does.
const turnPause = 100 * time.Millisecond

// begin waits until the card is ours alone, at most timeout.
func (h *handle) begin(ctx context.Context, timeout time.Duration) error {
	end := time.Now().Add(timeout)
	for {
		err := h.order(ctx, timeout, BeginTransaction)
		switch {
		case err == nil:
			return nil
		case !errors.Is(err, SharingViolation):
			return slot.Fail(device.SideEffectNo, fmt.Errorf("get the card: %w: %w", slot.ErrCardLost, meant(err)))
		case !time.Now().Before(end):
			return slot.Fail(device.SideEffectNo, fmt.Errorf("get the card: %w: %w", err, device.ErrBusy))
		}
		slot.Pause(ctx, turnPause)
		if cerr := ctx.Err(); cerr != nil {
			return slot.Fail(device.SideEffectNo, cerr)
		}
	}
}

func (h *handle) transmit(ctx context.Context, timeout time.Duration, apdu []byte) ([]byte, error) {
	const pci = 16 // size of a SCARD_IO_REQUEST with its padding, which pcscd ignores
	body := Words(h.id, h.protocol, pci, uint32(len(apdu)), h.protocol, pci, MaxAPDU, 0)
	r, err := h.call(ctx, timeout, Transmit, body, apdu, TransmitSize)
	if err != nil {
		return nil, err
	}
	if code := Code(Word(r, 7)); code != OK {
		return nil, h.refused(ctx, code)
	}
	n := Word(r, 6)
	if Word(r, 0) != h.id || n > MaxAPDU {
		h.broken = true
		return nil, fmt.Errorf("answer of %d bytes for card %X, asked %X: %w", n, Word(r, 0), h.id, device.ErrProtocol)
	}
	out, err := h.read(ctx, askTimeout, int(n))
	if err == nil && n < 2 {
		// So the driver of vsmartcard's reader says that it has lost the card.
		return nil, h.doubt(ctx, fmt.Errorf("answer of %d bytes has no status: %w", n, device.ErrProtocol))
	}
	return out, err
}

// refused gives a code in answer to an APDU its meaning.
func (h *handle) refused(ctx context.Context, code Code) error {
	switch code {
	case ResetCard:
		// Looked at before anything is sent (SCardTransmit in winscard.c).
		return slot.Fail(device.SideEffectNo, fmt.Errorf("%w: %w: %w", code, slot.ErrCardLost, device.ErrMediaGone))
	case NotTransacted, CommError:
		return h.doubt(ctx, meant(code))
	}
	return meant(code)
}

// doubt says what err means, which the reader met while it spoke to the card:
// only the card can say whether it is still there. pcscd looks for itself only
// now and then.
func (h *handle) doubt(ctx context.Context, err error) error {
	again := h.order(ctx, powerTimeout, Reconnect, ShareExclusive+b2u(h.shared), h.protocol, ResetCardPower, 0)
	if again == nil {
		return err
	}
	if m := meant(again); errors.Is(m, device.ErrMediaGone) {
		return m
	}
	return errors.Join(err, again)
}

func b2u(b bool) uint32 {
	if b {
		return 1
	}
	return 0
}

// meant adds to a code in err what callers branch on.
func meant(err error) error {
	code, ok := errors.AsType[Code](err)
	if !ok {
		return err
	}
	meaning := device.ErrProtocol
	switch code {
	case NoSmartcard, RemovedCard, UnresponsiveCard, UnpoweredCard, ResetCard:
		meaning = device.ErrMediaGone
	case UnknownReader, ReaderUnavailable, NoReaders, NoService, ServiceStopped, SystemCancelled:
		meaning = device.ErrUnplugged
	case TimedOut:
		meaning = device.ErrTimeout
	case SharingViolation:
		meaning = device.ErrBusy
	}
	return fmt.Errorf("%w: %w", err, meaning)
}

// release resets the card, so that nobody inherits a PIN that was given, and
// ends the connection.
func (h *handle) release() {
	if !h.broken {
		bye, cancel := context.WithTimeout(context.Background(), byeTimeout)
		defer cancel()
		if h.id != 0 {
			_ = h.order(bye, byeTimeout, Disconnect, ResetCardPower) // the card may be out
		}
		_, _ = h.call(bye, byeTimeout, ReleaseContext, Words(h.context, 0), nil, 2*4) // as may pcscd
	}
	_ = h.close() // nothing was written that anyone waits for
}
