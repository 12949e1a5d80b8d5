package virtual

import (
	"encoding/binary"
	"fmt"
	"io"
	"sync"
)

// usbDevice is a USB device of full speed with one interface and one interrupt
// endpoint that sends.
type usbDevice struct {
	vendor, product    uint16
	class, sub, proto  uint8 // of the interface
	endpoint, interval uint8 // 0x81…
	longest            uint16
	// control answers a request of the control endpoint; nil: stalled.
	control func(kind, request uint8, value, index uint16) []byte
}

// Numbers of the protocol by which QEMU reaches USB devices over a line (USB
// Network Redirection, version 0.7). All integers have their lowest byte first.
const (
	redirHello            = 0
	redirConnect          = 1
	redirReset            = 3
	redirInterfaces       = 4
	redirEndpoints        = 5
	redirSetConfiguration = 6
	redirGetConfiguration = 7
	redirConfiguration    = 8
	redirSetAlternate     = 9
	redirGetAlternate     = 10
	redirAlternate        = 11
	redirStartInterrupts  = 15
	redirStopInterrupts   = 16
	redirInterrupts       = 17
	redirCancel           = 21
	redirControl          = 100
	redirInterrupt        = 103
	redirStall            = 4
	redirTypeInterrupt    = 3
	redirNoType           = 255
	redirFullSpeed        = 1

	redirCan = 1<<1 | 1<<4 | 1<<5 | 1<<6 // device version, packet size, ids of 64 bits, long bulk packets: xHCI wants them

	redirLongest            = 1 << 16
	redirEndpointsOfADevice = 32
)

// redirected is a usbDevice on a line.
type redirected struct {
	d *usbDevice

	mu        sync.Mutex
	w         io.Writer
	config    uint8
	receiving bool
	sent      uint64
}

func (r *redirected) send(kind uint32, id uint64, values ...any) {
	var body []byte
	for _, v := range values {
		body, _ = binary.Append(body, binary.LittleEndian, v) // only fixed sizes
	}
	head := binary.LittleEndian.AppendUint32(nil, kind)
	head = binary.LittleEndian.AppendUint32(head, uint32(len(body)))
	if kind == redirHello { // what each can do is not known yet
		head = binary.LittleEndian.AppendUint32(head, uint32(id))
	} else {
		head = binary.LittleEndian.AppendUint64(head, id)
	}
	_, _ = r.w.Write(append(head, body...)) // who does not listen has gone
}

// serve is the device, until the line ends.
func (r *redirected) serve(line io.ReadWriter) error {
	r.mu.Lock()
	r.w, r.config, r.receiving = line, 0, false
	var version [64]byte
	copy(version[:], "penjire")
	r.send(redirHello, 0, version, uint32(redirCan))
	r.mu.Unlock()
	for greeted := false; ; greeted = true {
		var h struct{ Kind, Len, ID, IDHigh uint32 }
		head := make([]byte, 16)
		if !greeted {
			head = head[:12]
		}
		if _, err := io.ReadFull(line, head); err != nil {
			return err
		}
		_, _ = binary.Decode(append(head, 0, 0, 0, 0), binary.LittleEndian, &h) // it is long enough
		if h.Len > redirLongest {
			return fmt.Errorf("USB: packet %d of %d bytes", h.Kind, h.Len)
		}
		body := make([]byte, h.Len)
		if _, err := io.ReadFull(line, body); err != nil {
			return err
		}
		r.mu.Lock()
		err := r.packet(h.Kind, uint64(h.IDHigh)<<32|uint64(h.ID), append(body, make([]byte, 16)...)) // one that is too short has zeros
		r.mu.Unlock()
		if err != nil {
			return err
		}
	}
}

func (r *redirected) packet(kind uint32, id uint64, body []byte) error {
	const ok = uint8(0)
	switch kind {
	case redirHello:
		r.connect()
	case redirReset:
		r.config, r.receiving = 0, false
	case redirSetConfiguration, redirGetConfiguration:
		if kind == redirSetConfiguration {
			r.config = body[0]
		}
		r.send(redirConfiguration, id, ok, r.config)
	case redirSetAlternate, redirGetAlternate:
		r.send(redirAlternate, id, ok, body[0], uint8(0))
	case redirStartInterrupts, redirStopInterrupts:
		r.receiving = kind == redirStartInterrupts
		r.send(redirInterrupts, id, ok, body[0])
	case redirControl:
		r.request(id, body)
	case redirInterrupt: // to the device: it has nothing to hear
		r.send(redirInterrupt, id, body[:4])
	case redirCancel: // all is answered already
	default:
		return fmt.Errorf("USB: packet of kind %d", kind)
	}
	return nil
}

// connect plugs the device in.
func (r *redirected) connect() {
	type numbers [redirEndpointsOfADevice]uint8
	r.send(redirInterfaces, 0, uint32(1), numbers{}, numbers{r.d.class}, numbers{r.d.sub}, numbers{r.d.proto})
	kinds, intervals, sizes := numbers{}, numbers{}, [redirEndpointsOfADevice]uint16{}
	for i := range kinds {
		kinds[i] = redirNoType
	}
	kinds[0], kinds[16] = 0, 0 // the control endpoint, to and from the device
	sizes[0], sizes[16] = 64, 64
	at := int(r.d.endpoint>>7)*16 + int(r.d.endpoint&0xf)
	kinds[at], intervals[at], sizes[at] = redirTypeInterrupt, r.d.interval, r.d.longest
	r.send(redirEndpoints, 0, kinds, intervals, numbers{}, sizes)
	r.send(redirConnect, 0, uint8(redirFullSpeed), uint8(0), uint8(0), uint8(0), r.d.vendor, r.d.product, uint16(0x0100))
}

// request answers a request of the control endpoint.
func (r *redirected) request(id uint64, b []byte) {
	var q struct {
		Endpoint, Request, Kind, Status uint8
		Value, Index, Len               uint16
	}
	_, _ = binary.Decode(b, binary.LittleEndian, &q) // it is long enough
	answer := r.d.control(q.Kind, q.Request, q.Value, q.Index)
	q.Status = 0
	if answer == nil {
		q.Status, q.Len = redirStall, 0
	} else if q.Kind&0x80 != 0 {
		answer = answer[:min(len(answer), int(q.Len))]
		q.Len = uint16(len(answer))
	}
	if q.Kind&0x80 == 0 {
		answer = nil
	}
	r.send(redirControl, id, q, answer)
}

// report sends what the interrupt endpoint has. It fails while nobody listens.
func (r *redirected) report(b []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.receiving {
		return fmt.Errorf("USB: no driver listens to the device")
	}
	r.sent++
	r.send(redirInterrupt, r.sent, r.d.endpoint, uint8(0), uint16(len(b)), b)
	return nil
}
