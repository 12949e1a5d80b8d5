package cctalk

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/link"
)

// Headers (part 2 and appendix 1).
const (
	hdrACK         = 0
	hdrPoll        = 254
	hdrMaker       = 246
	hdrCategory    = 245
	hdrProduct     = 244
	hdrSelfCheck   = 232
	hdrInhibits    = 231
	hdrCredit      = 229
	hdrMaster      = 228
	hdrMasterState = 227
	hdrCoinID      = 184
)

// An answer comes within some milliseconds; bytes of a frame follow one another within
// 50 ms (part 1, section 11). The rest is for USB adapters and a busy board.
const (
	answerTimeout = 250 * time.Millisecond
	writeTimeout  = 500 * time.Millisecond
	quietTime     = 60 * time.Millisecond
	tries         = 3
)

// bus speaks to one device over one open line. All that is asked here may be asked
// twice: what was counted is told again until the counter moves on.
type bus struct {
	line    link.Line
	check   Check
	address byte
	buf     [512]byte
}

// ask sends a command and returns the data of its answer, want bytes; -1: any number.
func (b *bus) ask(ctx context.Context, want int, header byte, data ...byte) ([]byte, error) {
	var err error
	for range tries {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		var a []byte
		if a, err = b.once(want, header, data...); err == nil {
			return a, nil
		}
		if errors.Is(err, device.ErrUnplugged) {
			break
		}
		if qerr := b.quiet(); qerr != nil {
			return nil, qerr
		}
	}
	return nil, fmt.Errorf("command %d: %w", header, err)
}

// once asks once. On a single wire the host hears itself: what is for another address
// than its own is no answer.
func (b *bus) once(want int, header byte, data ...byte) ([]byte, error) {
	if err := b.line.Flush(); err != nil {
		return nil, err
	}
	if err := b.line.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return nil, err
	}
	if _, err := b.line.Write(AppendFrame(nil, b.check, b.address, hostAddress, header, data...)); err != nil {
		return nil, err
	}
	if err := b.line.SetReadDeadline(time.Now().Add(answerTimeout)); err != nil {
		return nil, err
	}
	var got []byte
	for {
		n, err := b.line.Read(b.buf[:])
		if err != nil {
			return nil, err
		}
		got = append(got, b.buf[:n]...)
		for {
			f, n, err := ParseFrame(got, b.check)
			if errors.Is(err, ErrShort) && len(got) <= maxFrame {
				break
			}
			if err != nil {
				return nil, fmt.Errorf("%w: %w", device.ErrProtocol, err)
			}
			got = got[n:]
			if f.Destination != hostAddress || b.check == Sum && f.Source != b.address {
				continue // our own voice
			}
			if f.Header != hdrACK || want >= 0 && len(f.Data) != want {
				return nil, fmt.Errorf("answer has header %d and %d bytes: %w", f.Header, len(f.Data), device.ErrProtocol)
			}
			return f.Data, nil
		}
	}
}

// quiet waits until nothing comes any more, at most a while.
func (b *bus) quiet() error {
	for range 10 {
		if err := b.line.SetReadDeadline(time.Now().Add(quietTime)); err != nil {
			return err
		}
		_, err := b.line.Read(b.buf[:])
		if errors.Is(err, device.ErrTimeout) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}
