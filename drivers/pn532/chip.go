package pn532

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/link"
	"github.com/penjire/penjire/drivers/slot"
)

// Commands (user manual, section 7).
const (
	cmdDiagnose       = 0x00
	cmdGetFirmware    = 0x02
	cmdSetParameters  = 0x12
	cmdSAMConfig      = 0x14
	cmdRFConfig       = 0x32
	cmdInDataExchange = 0x40
	cmdInListPassive  = 0x4A
	cmdInRelease      = 0x52
)

// How long the chip may take. An ACK comes within 15 ms of a command, and USB
// adapters add up to 16 ms each way; the rest is for a board that is busy
// starting a browser.
const (
	ackTimeout     = 800 * time.Millisecond
	commandTimeout = 2 * time.Second
	writeTimeout   = time.Second
	drainTime      = 20 * time.Millisecond
)

// chip speaks to one powered chip over one open line. One command at a time.
type chip struct {
	line link.Line
	dec  Decoder
	buf  [512]byte
}

// open wakes the chip and sets it up for ISO 14443 type A cards.
func (c *chip) open(ctx context.Context) error {
	if err := c.line.Flush(); err != nil {
		return err
	}
	// The chip may be asleep (LowVbat): the long preamble wakes it. It may also
	// be waiting for a card on behalf of a driver that was killed: the ACK
	// stops that.
	wake := append([]byte{0x55, 0x55}, make([]byte, 14)...)
	var err error
	for range 3 {
		if err = c.write(append(wake, AckFrame...)); err != nil {
			return fmt.Errorf("wake chip: %w", err)
		}
		if err = c.drain(); err != nil {
			return fmt.Errorf("wake chip: %w", err)
		}
		// Normal mode, no time-out, no IRQ line.
		if _, err = c.command(ctx, commandTimeout, cmdSAMConfig, 0x01, 0x14, 0x01); err == nil || errors.Is(err, device.ErrUnplugged) {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("wake chip: %w", err)
	}
	v, err := c.command(ctx, commandTimeout, cmdGetFirmware)
	if err != nil {
		return fmt.Errorf("ask for firmware: %w", err)
	}
	if len(v) != 4 || v[0] != 0x32 {
		return fmt.Errorf("ask for firmware: got % X, want a PN532: %w", v, device.ErrProtocol)
	}
	// Automatic ATR_RES and automatic RATS.
	if _, err = c.command(ctx, commandTimeout, cmdSetParameters, 0x14); err != nil {
		return fmt.Errorf("set parameters: %w", err)
	}
	// Without this a search for a card lasts for ever.
	if _, err = c.command(ctx, commandTimeout, cmdRFConfig, 0x05, 0xFF, 0x01, 0x10); err != nil {
		return fmt.Errorf("limit retries: %w", err)
	}
	return nil
}

// command sends one command and returns the parameters of its response.
func (c *chip) command(ctx context.Context, timeout time.Duration, cmd byte, params ...byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, slot.Fail(device.SideEffectNo, err)
	}
	// A frame that did not go out whole has no valid checksum: nothing happens.
	if err := c.write(AppendFrame(nil, ToChip, append([]byte{cmd}, params...))); err != nil {
		return nil, slot.Fail(device.SideEffectNo, fmt.Errorf("command %02X: %w", cmd, err))
	}
	r, err := c.answer(ctx, timeout, cmd)
	if err == nil {
		return r, nil
	}
	if errors.Is(err, errSyntax) {
		return nil, slot.Fail(device.SideEffectNo, fmt.Errorf("command %02X: %w", cmd, err))
	}
	if !errors.Is(err, device.ErrUnplugged) {
		// Stop whatever it is doing, so that its late answer is not taken for
		// the answer to the next command.
		if aerr := c.abort(); aerr != nil {
			err = errors.Join(err, aerr)
		}
	}
	return nil, slot.Fail(device.SideEffectUnknown, fmt.Errorf("command %02X: %w", cmd, err))
}

// errSyntax is the chip's own answer to a command it cannot parse.
var errSyntax = fmt.Errorf("chip answers: syntax error: %w", device.ErrProtocol)

// answer waits for the ACK and then for the response to cmd. A response with a
// wrong checksum is asked for again once: NACK makes the chip send its last
// frame anew without carrying anything out (user manual, 6.2.1.4).
func (c *chip) answer(ctx context.Context, timeout time.Duration, cmd byte) ([]byte, error) {
	stop := context.AfterFunc(ctx, func() { _ = c.line.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	deadline := time.Now().Add(ackTimeout)
	acked, asked := false, false
	for {
		f, err := c.next(ctx, deadline)
		if err != nil && !acked && errors.Is(err, device.ErrTimeout) {
			return nil, fmt.Errorf("no ACK: %w", err)
		}
		if err != nil {
			return nil, err
		}
		switch {
		case f.Kind == ACK && !acked:
			acked = true
			deadline = time.Now().Add(timeout)
		case f.Kind == Error:
			return nil, errSyntax
		case f.Kind == Damaged && acked:
			if asked {
				return nil, fmt.Errorf("response is damaged twice: %w", device.ErrProtocol)
			}
			asked = true
			if err := c.write(NackFrame); err != nil {
				return nil, err
			}
			deadline = time.Now().Add(commandTimeout)
		case f.Kind == Data && acked && f.TFI == FromChip && len(f.Data) > 0 && f.Data[0] == cmd+1:
			return f.Data[1:], nil
		}
		// Anything else is late news of an earlier command.
	}
}

// next returns the next frame.
func (c *chip) next(ctx context.Context, deadline time.Time) (Frame, error) {
	for {
		if f, ok := c.dec.Next(); ok {
			return f, nil
		}
		if err := c.line.SetReadDeadline(deadline); err != nil {
			return Frame{}, err
		}
		// The deadline above may have overwritten the one that ctx set.
		if err := ctx.Err(); err != nil {
			return Frame{}, err
		}
		n, err := c.line.Read(c.buf[:])
		c.dec.Push(c.buf[:n])
		if err != nil {
			if cerr := ctx.Err(); cerr != nil {
				return Frame{}, cerr
			}
			return Frame{}, err
		}
	}
}

// abort stops the command under way and waits until the line is quiet. The byte
// before the ACK spoils a command frame of which the chip still misses the end:
// the zeros of the ACK would complete it.
func (c *chip) abort() error {
	if err := c.write(append([]byte{0x55}, AckFrame...)); err != nil {
		return fmt.Errorf("abort: %w", err)
	}
	if err := c.drain(); err != nil {
		return fmt.Errorf("abort: %w", err)
	}
	return nil
}

// drain reads until nothing has come for a moment.
func (c *chip) drain() error {
	defer c.dec.Reset()
	return link.Quiet(c.line, drainTime)
}

func (c *chip) write(b []byte) error {
	if err := c.line.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	_, err := c.line.Write(b)
	return err
}
