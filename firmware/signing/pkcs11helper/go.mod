module github.com/penjire/penjire/firmware/signing/pkcs11helper

go 1.26.0

require (
	github.com/miekg/pkcs11 v1.1.2
	golang.org/x/sys v0.49.0
)
