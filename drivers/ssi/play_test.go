package ssi

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/link/linktest"
)

func from(op, status byte, data ...byte) []byte {
	return Packet{op, FromDecoder, status, data}.Append(nil)
}

func to(op, status byte, data ...byte) []byte { return Packet{op, FromHost, status, data}.Append(nil) }

// TestScan plays one scan with a decoder that sleeps, refuses to tell its
// capabilities, and says a reading in two packets, the first of them twice.
func TestScan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ack, hostAck := from(OpAck, 0), to(OpAck, 0)
		set := []byte{0xFF, 0x8A, 8, 0xEE, 1, 0x9F, 1}
		check := []linktest.IO{
			{Note: "PARAM_REQUEST", W: to(OpParamRequest, 0, 0x8A, 0xEE, 0x9F), R: from(OpParamSend, 0, set...)},
			{Note: "CMD_ACK of the parameters", W: hostAck},
		}
		part := append([]byte{0x1C}, "KH4T"...)
		ops := []linktest.IO{
			{Note: "wake", W: []byte{0}},
			{Note: "STOP_SESSION", W: unhex(t, "04e50400ff13"), R: unhex(t, "04d00000ff2c")},
			{Note: "PARAM_SEND for now", W: to(OpParamSend, 0, set...), R: ack},
			{Note: "REQUEST_REVISION", W: unhex(t, "04a30400ff55"), R: from(OpReplyRevision, 0, []byte("SE4107\x00 PAAAS")...)},
			{Note: "CAPABILITIES_REQUEST, denied", W: to(OpCapabilitiesRequest, 0), R: from(OpNak, 0, NakDenied)},
		}
		ops = append(ops, check...)
		ops = append(ops, linktest.IO{Note: "wake", W: []byte{0}})
		ops = append(ops, check...)
		ops = append(ops,
			linktest.IO{Note: "FLUSH_QUEUE; a reading from before, then CMD_ACK", W: to(OpFlushQueue, 0), R: from(OpDecodeData, 0, append([]byte{0x1C}, "old"...)...)},
			linktest.IO{Note: "CMD_ACK of the old reading", W: hostAck, R: ack},
			linktest.IO{
				Note: "START_SESSION; the first packet", W: unhex(t, "04e40400ff14"),
				R: append(unhex(t, "04d00000ff2c"), from(OpDecodeData, Continued, part...)...),
			},
			linktest.IO{Note: "CMD_ACK, which is lost", W: unhex(t, "04d00400ff28"), R: from(OpDecodeData, Continued|Retransmit, part...)},
			linktest.IO{Note: "CMD_ACK; the second packet, damaged", W: hostAck, R: append(from(OpDecodeData, 0, append([]byte{0x1C}, "-9QWZ"...)...)[:10], 0, 0)},
			linktest.IO{Note: "CMD_NAK: send again", W: to(OpNak, 0, NakResend), R: from(OpDecodeData, Retransmit, append([]byte{0x1C}, "-9QWZ"...)...)},
			linktest.IO{Note: "CMD_ACK", W: hostAck},
			linktest.IO{Note: "STOP_SESSION", W: unhex(t, "04e50400ff13"), R: ack},
			linktest.IO{Note: "FLUSH_QUEUE", W: to(OpFlushQueue, 0), R: ack},
		)
		d, err := New(linktest.Play(t, ops...), Opts{Beep: true, Check: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		c, err := d.Scan(t.Context())
		if err != nil || c.Symbology != device.QRCode || string(c.Data) != "KH4T-9QWZ" {
			t.Errorf("Scan = %s %q, %v, want the QR code KH4T-9QWZ", c.Symbology, c.Data, err)
		}
		if got := d.Revision(); got != "SE4107 PAAAS" {
			t.Errorf("Revision = %q, want what the decoder said", got)
		}
		if err := d.Halt(); err != nil {
			t.Errorf("Halt = %v, want nil", err)
		}
	})
}

func TestOptions(t *testing.T) {
	if _, err := New(nil, Opts{}); err == nil {
		t.Error("New without a port = nil, want an error")
	}
	if _, err := New(nil, Opts{Max: -1}); err == nil {
		t.Errorf("New with a negative length = %v, want an error", err)
	}
}
