package ccnet

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/link"
)

// Commands (section 5.3).
const (
	cmdReset    = 0x30
	cmdPoll     = 0x33
	cmdEnable   = 0x34
	cmdStack    = 0x35
	cmdReturn   = 0x36
	cmdIdentify = 0x37
	cmdHold     = 0x38
	cmdTable    = 0x41
)

// How long things may take. The validator answers within 10 ms (section 2.8); the
// rest is for USB adapters and a board that is busy starting a browser.
const (
	answerTimeout = 250 * time.Millisecond
	writeTimeout  = 500 * time.Millisecond
	silence       = 20 * time.Millisecond // of the bus after ACK and NAK
	maxNAKs       = 3
)

// errRefused is the validator's "illegal command".
var errRefused = fmt.Errorf("validator refuses the command: %w", device.ErrProtocol)

// bus speaks to one validator over one open line. The controller asks, the
// validator answers, the controller acknowledges what carries news.
type bus struct {
	line  link.Line
	dec   Decoder
	buf   [256]byte
	quiet time.Time // before this nothing is sent
}

// ask sends a command and returns the first answer that fits it. An answer that
// does not fit is one to an earlier question: it is dropped. One with a wrong
// checksum is never looked at but asked for again.
func (b *bus) ask(ctx context.Context, fits func(answer []byte) bool, code byte, data ...byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	pause(ctx, time.Until(b.quiet))
	if err := b.line.Flush(); err != nil {
		return nil, err
	}
	b.dec.Reset()
	if err := b.write(AppendFrame(nil, code, data...)); err != nil {
		return nil, err
	}
	deadline := time.Now().Add(answerTimeout)
	for naks := 0; ; {
		f, err := b.next(deadline)
		switch {
		case err != nil && naks > 0 && errors.Is(err, device.ErrTimeout):
			return nil, fmt.Errorf("answer to command %02X is damaged: %w", code, device.ErrProtocol)
		case err != nil:
			return nil, fmt.Errorf("command %02X: %w", code, err)
		case f.Damaged && naks < maxNAKs:
			naks++
			pause(ctx, silence)
			b.dec.Reset()
			if err := b.write(AppendFrame(nil, codeNAK)); err != nil {
				return nil, err
			}
			deadline = time.Now().Add(answerTimeout)
		case !f.Damaged && fits(f.Data):
			return f.Data, nil
		}
	}
}

// order sends a command that is answered by ACK, NAK or a refusal. NAK means that
// the command came damaged and was not obeyed.
func (b *bus) order(ctx context.Context, code byte, data ...byte) error {
	for range maxNAKs {
		a, err := b.ask(ctx, func(a []byte) bool {
			return len(a) == 1 && (a[0] == codeACK || a[0] == codeNAK || a[0] == codeWrong)
		}, code, data...)
		switch {
		case err != nil:
			return err
		case a[0] == codeACK:
			return nil
		case a[0] == codeWrong:
			return fmt.Errorf("command %02X: %w", code, errRefused)
		}
		pause(ctx, silence)
	}
	return fmt.Errorf("command %02X came damaged %d times: %w", code, maxNAKs, device.ErrProtocol)
}

// insist orders what may be ordered twice without harm.
func (b *bus) insist(ctx context.Context, code byte, data ...byte) error {
	var err error
	for range 3 {
		if err = b.order(ctx, code, data...); err == nil || errors.Is(err, device.ErrUnplugged) || errors.Is(err, errRefused) {
			return err
		}
	}
	return err
}

// ack says that the last answer is kept: the validator does not repeat it.
func (b *bus) ack() error {
	err := b.write(AppendFrame(nil, codeACK))
	b.quiet = time.Now().Add(silence)
	return err
}

func (b *bus) next(deadline time.Time) (Frame, error) {
	for {
		if f, ok := b.dec.Next(); ok {
			return f, nil
		}
		if err := b.line.SetReadDeadline(deadline); err != nil {
			return Frame{}, err
		}
		n, err := b.line.Read(b.buf[:])
		b.dec.Push(b.buf[:n])
		if err != nil {
			return Frame{}, err
		}
	}
}

func (b *bus) write(p []byte) error {
	if err := b.line.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	_, err := b.line.Write(p)
	return err
}

// pause waits for t, or less when ctx ends.
func pause(ctx context.Context, t time.Duration) {
	timer := time.NewTimer(t)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
