package gm65

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/scanline"
)

// write sets a zone.
func (t *talk) write(ctx context.Context, l *scanline.Line, at uint16, value byte) error {
	got, err := t.command(ctx, l, Command(TypeWrite, 1, at, value))
	if err == nil && got != 0 {
		err = fmt.Errorf("answer is %02X: %w", got, device.ErrProtocol)
	}
	if err != nil {
		return fmt.Errorf("write zone %04X: %w", at, err)
	}
	return nil
}

// read returns a zone.
func (t *talk) read(ctx context.Context, l *scanline.Line, at uint16) (byte, error) {
	got, err := t.command(ctx, l, Command(TypeRead, 1, at, 1))
	if err != nil {
		return 0, fmt.Errorf("read zone %04X: %w", at, err)
	}
	return got, nil
}

// command sends a command until it is answered, and returns the one byte of the
// answer. What comes before the answer is dropped; what comes after it is put
// back.
func (t *talk) command(ctx context.Context, l *scanline.Line, b []byte) (byte, error) {
	err := error(device.ErrTimeout)
	for range tries {
		if err := l.Write(b); err != nil {
			return 0, err
		}
		var got byte
		if got, err = t.answer(ctx, l); !errors.Is(err, device.ErrTimeout) {
			return got, err
		}
	}
	return 0, err
}

func (t *talk) answer(ctx context.Context, l *scanline.Line) (byte, error) {
	end := time.Now().Add(answerTime)
	forget := l.Aside()
	var got []byte
	defer func() { clear(got) }()
	for {
		b, err := l.Next(ctx, time.Until(end))
		if err != nil {
			return 0, err
		}
		got = append(got, b...)
		clear(b)
		if data, after, ok := CutAnswer(got); ok && len(data) == 1 {
			if len(got) == answerLen { // else there is a piece of a reading
				forget()
			}
			l.Unread(append([]byte(nil), after...))
			return data[0], nil
		}
		if n := len(got) - 2*answerMax; n > 0 {
			m := copy(got, got[n:])
			clear(got[m:])
			got = got[:m]
		}
	}
}

// Lengths of an answer with one byte of data, and of the longest.
const (
	answerLen = 4 + 1 + 2
	answerMax = 4 + 255 + 2
)
