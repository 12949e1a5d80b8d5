package virtual

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Numbers of the NBD protocol (NetworkBlockDevice, doc/proto.md), of which QEMU's
// client needs fixed newstyle negotiation and simple replies.
const (
	nbdMagic       = 0x4e42444d41474943 // NBDMAGIC
	nbdOption      = 0x49484156454f5054 // IHAVEOPT
	nbdOptionReply = 0x3e889045565a9
	nbdRequest     = 0x25609513
	nbdReply       = 0x67446698

	nbdFixedNewstyle = 1
	nbdNoZeroes      = 2

	nbdOptAbort = 2
	nbdOptInfo  = 6
	nbdOptGo    = 7

	nbdAck         = 1
	nbdInfo        = 3
	nbdUnsupported = 1<<31 | 1

	nbdHasFlags  = 1
	nbdSendFlush = 4
	nbdSendFUA   = 8

	nbdRead       = 0
	nbdWrite      = 1
	nbdDisconnect = 2
	nbdFlush      = 3

	nbdFUA = 1 // flag of a command

	nbdLongest = 32 << 20
)

// serve is the disk's side of an NBD connection, until the other side ends.
func (d *Disk) serve(c io.ReadWriter) error {
	s := nbdSession{d: d, c: c}
	if goes, err := s.negotiate(); err != nil || !goes {
		return err
	}
	for {
		if err := s.command(); err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, errDisconnect) {
				return nil
			}
			return err
		}
	}
}

var errDisconnect = errors.New("the client has left")

type nbdSession struct {
	d *Disk
	c io.ReadWriter
}

func (s nbdSession) send(values ...any) error {
	var b []byte
	for _, v := range values {
		var err error
		if b, err = binary.Append(b, binary.BigEndian, v); err != nil {
			return err
		}
	}
	_, err := s.c.Write(b)
	return err
}

func (s nbdSession) receive(v any) error { return binary.Read(s.c, binary.BigEndian, v) }

// negotiate answers options until one of them asks for the disk.
func (s nbdSession) negotiate() (bool, error) {
	if err := s.send(uint64(nbdMagic), uint64(nbdOption), uint16(nbdFixedNewstyle|nbdNoZeroes)); err != nil {
		return false, err
	}
	var flags uint32
	if err := s.receive(&flags); err != nil {
		return false, fmt.Errorf("NBD: negotiate: %w", err)
	}
	for {
		var o struct {
			Magic       uint64
			Option, Len uint32
		}
		if err := s.receive(&o); err != nil {
			return false, fmt.Errorf("NBD: negotiate: %w", err)
		}
		if o.Magic != nbdOption || o.Len > 4096 {
			return false, fmt.Errorf("NBD: option %d of %d bytes with magic %x", o.Option, o.Len, o.Magic)
		}
		if _, err := io.CopyN(io.Discard, s.c, int64(o.Len)); err != nil {
			return false, err
		}
		reply := func(kind uint32) error { return s.send(uint64(nbdOptionReply), o.Option, kind, uint32(0)) }
		switch o.Option {
		case nbdOptGo, nbdOptInfo:
			err := s.send(uint64(nbdOptionReply), o.Option, uint32(nbdInfo), uint32(12),
				uint16(0), uint64(s.d.size), uint16(nbdHasFlags|nbdSendFlush|nbdSendFUA))
			if err == nil {
				err = reply(nbdAck)
			}
			if err != nil || o.Option == nbdOptGo {
				return err == nil, err
			}
		case nbdOptAbort:
			return false, reply(nbdAck)
		default:
			if err := reply(nbdUnsupported); err != nil {
				return false, err
			}
		}
	}
}

// command executes one command.
func (s nbdSession) command() error {
	var q struct {
		Magic       uint32
		Flags, Kind uint16
		Cookie      uint64
		Offset      uint64
		Len         uint32
	}
	if err := s.receive(&q); err != nil {
		return err
	}
	if q.Magic != nbdRequest || q.Len > nbdLongest {
		return fmt.Errorf("NBD: command %d of %d bytes with magic %x", q.Kind, q.Len, q.Magic)
	}
	var data []byte
	var failed error
	switch q.Kind {
	case nbdDisconnect:
		return errDisconnect
	case nbdFlush:
		failed = s.d.Flush()
	case nbdRead:
		data = make([]byte, q.Len)
		_, failed = s.d.ReadAt(data, int64(q.Offset))
		s.d.Read.Add(int64(q.Len))
	case nbdWrite:
		b := make([]byte, q.Len)
		if _, err := io.ReadFull(s.c, b); err != nil {
			return err
		}
		_, failed = s.d.WriteAt(b, int64(q.Offset))
		s.d.Written.Add(int64(q.Len))
		if failed == nil && q.Flags&nbdFUA != 0 {
			failed = s.d.force(int64(q.Offset), int64(q.Len))
		}
	default:
		failed = fmt.Errorf("NBD: command %d", q.Kind)
	}
	if failed != nil {
		const eio = 5
		return s.send(uint32(nbdReply), uint32(eio), q.Cookie)
	}
	return s.send(uint32(nbdReply), uint32(0), q.Cookie, data)
}
