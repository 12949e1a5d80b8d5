package wire

import "crypto/sha256"

func sampleLarge() *Large {
	return &Large{
		Epoch: sampleEpoch(), Seq: 4, Doc: sha256.Sum256([]byte("doc 4")), Service: "complaint", Lang: "tk",
		Claimed: 1795357002, Size: 12 << 20, Digest: sha256.Sum256([]byte("sealed 4")),
	}
}

// writeLarge makes the vectors of the frames of large requests.
func writeLarge(good func(name, comment string, f Frame), badf func(name, expect, spec, comment string, f Frame)) {
	digest := sha256.Sum256([]byte("sealed 4"))
	good("large", "a request of 12 MiB is announced", sampleLarge())
	good("have", "half of it is durable", &Have{Digest: digest, Offset: 6 << 20})
	good("have-none", "nothing of it is there yet", &Have{Digest: digest})
	good("chunk", "bytes from 6 MiB on", &Chunk{Digest: digest, Offset: 6 << 20, Bytes: []byte("sealed bytes")})
	good("chunk-most", "the largest chunk", &Chunk{Digest: digest, Bytes: make([]byte, MaxChunk)})
	good("nack-large", "another size than its bytes had", &Nack{Of: TypeLarge, Epoch: sampleEpoch(), Seq: 4, Code: "large.digest", Retry: 60})
	l := sampleLarge()
	l.Size = 0
	badf("large-none", "value failure", "WIRE-FRM-9", "an announcement of nothing", l)
	l = sampleLarge()
	l.Size = 1<<40 + 1
	badf("large-offset", "value failure", "WIRE-FRM-9", "a size that would go over", l)
	l = sampleLarge()
	l.Seq = 0
	badf("large-sequence", "value failure", "WIRE-FRM-8", "an announcement of sequence 0", l)
	l = sampleLarge()
	l.Epoch = [16]byte{}
	badf("large-epoch", "value failure", "WIRE-FRM-8", "an announcement in a zero epoch", l)
	badf("chunk-none", "value failure", "WIRE-FRM-9", "a chunk without bytes", &Chunk{Digest: digest, Bytes: []byte{}})
	badf("chunk-more", "limit failure", "WIRE-FRM-9", "one byte more than a chunk has", &Chunk{Digest: digest, Bytes: make([]byte, MaxChunk+1)})
	badf("chunk-offset", "value failure", "WIRE-FRM-9", "an offset that would go over", &Chunk{Digest: digest, Offset: 1<<40 + 1, Bytes: []byte{1}})
	badf("have-offset", "value failure", "WIRE-FRM-9", "an offset that would go over", &Have{Digest: digest, Offset: 1 << 41})
	badf("nack-large-sequence", "value failure", "WIRE-FRM-8", "a nack of no large request", &Nack{Of: TypeLarge, Epoch: sampleEpoch(), Code: "x"})
}
