package edoc_test

import (
	"fmt"
	"regexp"
	"strings"
)

const peersHead = `# The vectors as others judge them

Made by ` + "`go test ./sync/edoc -run PeersTable -update`" + `; compared with what they say now by every test run that finds the programs. «ours» is what the
vector expects ([edoc.md](edoc.md)). unzip tests the archive (` + "`unzip -t`" + `). OpenSSL checks every signature with ` + "`openssl cms -verify -cades -crl_check`" + `
and the world's centres and lists, as of the vector's time, and every time stamp with ` + "`openssl ts -verify`" + `. BouncyCastle
(` + "`sync/edoc/testdata/bouncycastle/Check.java`" + `) checks signature, signing-certificate-v2, counter-signatures and time stamps, and not whom to believe.
«–»: not asked, since it is no question for that program. The last column leads to the explanations below.

| vector | ours | unzip | OpenSSL | BouncyCastle | why |
|---|---|---|---|---|---|
`

// explanation says why a peer answers otherwise than we do.
type explanation struct {
	peer string
	rows *regexp.Regexp // of «name|ours»
	text string
}

func because(peer, rows, text string) explanation {
	return explanation{peer, regexp.MustCompile(rows), text}
}

// why returns the numbers of the explanations of a row's differences, and the
// differences that have none.
func (r peerRow) why(used map[int]bool) (numbers string, unexplained []string) {
	var list []string
	for _, x := range []struct {
		peer, said string
		ours       bool
	}{
		{"unzip", r.unzip, r.expect != "zip failure"}, {"OpenSSL", r.ossl, r.ours}, {"BouncyCastle", r.bc, r.ours},
	} {
		if x.said == "" || (x.said == "yes") == x.ours {
			continue
		}
		found := false
		for i, e := range explanations {
			if e.peer == x.peer && e.rows.MatchString(r.name+"|"+r.expect) {
				used[i], found = true, true
				list = append(list, fmt.Sprint(i+1))
				break
			}
		}
		if !found {
			unexplained = append(unexplained, fmt.Sprintf("%s says %s, we say %v, and peers_why_test.go does not say why", x.peer, x.said, x.ours))
		}
	}
	return strings.Join(list, " "), unexplained
}

// The first that fits a row counts.
var explanations = []explanation{
	because("unzip", `^zip-name`, "it tests what is in an archive, and takes every name: what a name does shows when it is unpacked, elsewhere"),
	because("unzip", `^zip-mimetype`, "it knows nothing of ASiC: the mimetype is an entry like any other"),
	because("unzip", `^zip-(comment|extra|streamed|unicode-path)`, "the zip format allows comments, extra fields and sizes after the data: they are room for what nobody signed, and ED-ZIP-3 forbids them"),
	because("unzip", `^zip-(gap|ghost|suffix|order|directory-(checksum|size|method)|deflate-trailing)`,
		"it begins at the directory and goes where that leads: it does not compare the two headers of an entry in everything, and does not look at bytes that no entry owns"),
	because("unzip", `^zip-(bomb-together|document-large|many)`, "the limits are ours"),
	because("unzip", `^zip-(link|device|directory-bit|patched)`, "a link, a device or a folder is what zip may hold; flags that it does not know it passes over"),

	because("OpenSSL", `\|(whole no content.changed|structure failure|manifest failure|zip failure)`,
		"it checks the signature over the manifest's bytes; it reads neither the manifest nor the files beside it. verify.sh does both"),
	because("OpenSSL", `^signature-forged-attributes`, "the forgery: even with -cades it takes a signature without signed attributes, so the attributes of one signature can be the content of another"),
	because("OpenSSL", `^(counter-|signature-(stamp-|unsigned-empty)|token-unsigned-stamp)`, "it does not look at unsigned attributes: counter-signatures and time stamps have to be taken out and checked one by one"),
	because("OpenSSL", `^carried-`, "lists and responses that a signature carries it uses where they help, and passes over where not"),
	because("OpenSSL", `^(signature-(ber|inner-indefinite|constructed-octets|high-tag|certificates-order|attribute-order)|token-(info-indefinite|ordering-false))`,
		"it reads BER; ED-SIG-1 wants the one encoding of DER, so that nobody can make other bytes of the same signature"),
	because("OpenSSL", `^(signature-(trailing|twice)|token-trailing)`, "it reads the first structure and does not ask what follows"),
	because("OpenSSL", `^(signature-(version|version-0|signer-version-3)|token-version-1)`, "it does not compare version numbers with what is there"),
	because("OpenSSL", `^signature-(two-signers|attached|certificates-many|certificate-of-other-kind|digest-algorithms-two)`,
		"RFC 5652 allows it; the profile is narrower, so that there is one answer to who signed what"),
	because("OpenSSL", `^signature-time-`, "the claimed time does not matter to it, so it does not read it"),
	because("OpenSSL", `^signature-(type-other|content-type-outside|signed-stamp)`, "it does not compare the signed content type with the outer one, and passes over attributes that belong elsewhere"),
	because("OpenSSL", `^signature-ess-`, "it takes SHA-1 and the older attribute for naming the certificate"),
	because("OpenSSL", `^signature-rsa-e1`, "it takes the public exponent 1, with which everyone can sign for that key; a centre that certifies such a key is at fault too"),
	because("OpenSSL", `^signature-pair-`, "it checks by the kind of key in the certificate, whatever algorithm and parameters the signer names"),
	because("OpenSSL", `^signature-(curve-p|rsa-1024)`, "it takes keys that are not in the registry of algorithms (ED-SIG-6)"),
	because("OpenSSL", `\|whole yes ok, signer no (cert.wrong_use|signer\.|cert.malformed|limit\.)`,
		"for what a certificate may be used here, and whether its holder is the sender, is not in the signature: ED-VER-4 and 6 need the bundle and the document"),
	because("OpenSSL", `^verify-(claims-|clock-1970\|)`, "it judges as of the time that it is told, and does not look at the time that the signer claims"),
	because("OpenSSL", `^verify-(revoked-after-stamp|stamped-later|suspended-backdated|revoked-since)`,
		"it judges as of the time that it is told, here the vector's; verify.sh tells it the time of the stamp. What was cancelled after a claimed time is unknown to us, and shown, but not a no"),
	because("OpenSSL", `^limit-.*\|whole yes ok, signer yes ok`,
		"it refuses a certificate with a critical extension that it does not know, as it must: who cannot judge the limits is not to rely on it. With -ignore_critical it says yes"),
	because("OpenSSL", `^path-(bracket-(before|around|turned)|hold-over-before|stamped-late-bracket)`,
		"it judges as of the time that it is told, here the vector's: it knows nothing of a journal's brackets. What was cancelled inside one is unknown to us, and shown, but not a no"),
	because("OpenSSL", `^path-(bracket-ended|ended|cancelled|other-kind|hold-then)`,
		"that a centre has ended, for what it may certify, and which holds there were, is in the bundle and not in certificates and lists; with -crl_check it asks after the signer's certificate alone"),
	because("OpenSSL", `^signers-second-`, "this table wants every signature of the file in order; we judge each by itself, and the first is the sender's"),
	because("OpenSSL", `: time stamp\||^token-late`, "«ts» asks whether the certificate is good as of the time that it is told: it compares the token's own time neither with the certificate nor with now, and asks no revocation list"),
	because("OpenSSL", `^token-(time-|accuracy-|extension|imprint-sha512-label)`, "it compares the imprint's bytes and the signature, and does not read what else is stamped"),

	because("BouncyCastle", `\|(whole no content.changed|structure failure|manifest failure|zip failure)`,
		"it checks the signature over the manifest's bytes; it reads neither the manifest nor the files beside it"),
	because("BouncyCastle", `^(carried-|counter-(nested|nine|order|twice|two-attributes|version))`,
		"it reads the parts that it is asked for, in whatever number and order; what a profile forbids beside them it does not know"),
	because("BouncyCastle", `^(signature-(ber|inner-indefinite|constructed-octets|certificates-order|time-(generalized|offset|no-seconds))|token-(info-indefinite|ordering-false|time-))`,
		"it reads BER, and times in more forms than DER's"),
	because("BouncyCastle", `^signature-(trailing|twice)`, "it reads the first structure and does not ask what follows"),
	because("BouncyCastle", `^(signature-(version|version-0|signer-version-3|content-info)|token-version)`, "it does not compare version numbers, nor the outer type, with what is there"),
	because("BouncyCastle", `^(signature-(stamp-|unsigned-empty|signed-stamp|two-signers|attached|certificates-many|certificate-of-other-kind|digest-algorithms-)|token-(unsigned-stamp|extension|field|nonce-twice))`,
		"RFC 5652 and 3161 allow most of it, and it passes over the rest; the profile is narrower, so that there is one answer to who signed what"),
	because("BouncyCastle", `^signature-rsa-e1`, "it takes the public exponent 1, with which everyone can sign for that key, if the modulus has no small factors"),
	because("BouncyCastle", `^signature-(ess-sha1|ed25519|curve-p|rsa-1024|pair-|rsa-pss-trailer)`, "it takes algorithms that are not in the registry (ED-SIG-6), and parameters that do not belong to one"),
	because("BouncyCastle", `^token-(accuracy-|imprint-sha512-label)`, "it does not judge accuracy, nor compare the imprint's algorithm with its length unless asked"),
	because("BouncyCastle", `^verify-clock-1970-stamped`, "it refuses a claimed time outside the certificate's validity; we take the time of the stamp, which is proven, and show the other as a claim (ED-VER-2)"),
	because("BouncyCastle", `^(verify|path|limit|signers|holder|stamp)-|^token-stranger`, "the program checks signatures and not whom to believe: certificates, centres, lists and senders are left to whoever calls it"),
}
