import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.Security;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.bouncycastle.asn1.ASN1Encodable;
import org.bouncycastle.asn1.ASN1Set;
import org.bouncycastle.asn1.cms.Attribute;
import org.bouncycastle.asn1.cms.AttributeTable;
import org.bouncycastle.asn1.cms.ContentInfo;
import org.bouncycastle.asn1.ess.ESSCertIDv2;
import org.bouncycastle.asn1.ess.SigningCertificateV2;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cms.CMSProcessableByteArray;
import org.bouncycastle.cms.CMSSignedData;
import org.bouncycastle.cms.SignerInformation;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoVerifierBuilder;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.openssl.PEMParser;
import org.bouncycastle.tsp.TimeStampToken;
import org.bouncycastle.util.CollectionStore;
import org.bouncycastle.util.Store;

/**
 * Checks signatures and time-stamp tokens with BouncyCastle, as its users do: the signature with the
 * certificate it carries, that signing-certificate-v2 names that certificate, counter-signatures, and
 * time stamps. It says nothing of whom to believe.
 *
 * <p>Usage: java -cp bcpkix.jar:bcprov.jar:bcutil.jar Check.java DIR. In DIR: NAME.sig with
 * NAME.content, NAME.tok with NAME.imprint (what the token is said to be over, as SHA-256), and
 * known.pem: certificates for what carries none. One line of standard output each: NAME, a space, and
 * "yes", "no" or "unreadable".
 */
public class Check {
  static List<X509CertificateHolder> known = new ArrayList<>();

  public static void main(String[] args) throws Exception {
    Security.addProvider(new BouncyCastleProvider());
    Path dir = Path.of(args[0]);
    try (PEMParser pem = new PEMParser(Files.newBufferedReader(dir.resolve("known.pem")))) {
      for (Object o; (o = pem.readObject()) != null; ) {
        known.add((X509CertificateHolder) o);
      }
    }
    List<Path> files;
    try (Stream<Path> list = Files.list(dir)) {
      files = list.sorted().toList();
    }
    StringBuilder out = new StringBuilder();
    for (Path file : files) {
      String name = file.getFileName().toString();
      if (name.endsWith(".sig")) {
        String base = name.substring(0, name.length() - 4);
        out.append(base).append(' ').append(signature(file, dir.resolve(base + ".content"))).append('\n');
      } else if (name.endsWith(".tok")) {
        String base = name.substring(0, name.length() - 4);
        out.append(base).append(' ').append(token(file, dir.resolve(base + ".imprint"))).append('\n');
      }
    }
    System.out.print(out);
  }

  // What a hostile input makes a library throw is not only exceptions.
  static String signature(Path sig, Path content) throws IOException {
    CMSSignedData data;
    try {
      data = new CMSSignedData(new CMSProcessableByteArray(Files.readAllBytes(content)), Files.readAllBytes(sig));
      data.getSignerInfos().size();
    } catch (Exception | StackOverflowError e) {
      return "unreadable";
    }
    try {
      boolean all = data.getSignerInfos().size() > 0;
      for (SignerInformation s : data.getSignerInfos()) {
        all &= verify(s, data.getCertificates(), true);
        for (SignerInformation c : s.getCounterSignatures()) {
          all &= verify(c, data.getCertificates(), true);
        }
      }
      return all ? "yes" : "no";
    } catch (Exception | StackOverflowError e) {
      return "no";
    }
  }

  static boolean verify(SignerInformation s, Store<X509CertificateHolder> carried, boolean ess) throws Exception {
    X509CertificateHolder cert = certificate(s, carried);
    return cert != null
        && s.verify(new JcaSimpleSignerInfoVerifierBuilder().setProvider("BC").build(cert))
        && (!ess || names(s.getSignedAttributes(), cert));
  }

  @SuppressWarnings("unchecked")
  static X509CertificateHolder certificate(SignerInformation s, Store<X509CertificateHolder> carried) {
    for (Store<X509CertificateHolder> store : List.of(carried, new CollectionStore<>(known))) {
      for (Object c : store.getMatches(s.getSID())) {
        return (X509CertificateHolder) c;
      }
    }
    return null;
  }

  // names says whether signing-certificate-v2 names the certificate (RFC 5035).
  static boolean names(AttributeTable signed, X509CertificateHolder cert) throws Exception {
    Attribute a = signed == null ? null : signed.get(PKCSObjectIdentifiers.id_aa_signingCertificateV2);
    if (a == null) {
      return false;
    }
    ASN1Set values = a.getAttrValues();
    ESSCertIDv2[] ids = SigningCertificateV2.getInstance(values.getObjectAt(0)).getCerts();
    if (ids.length == 0) {
      return false;
    }
    String digest = ids[0].getHashAlgorithm().getAlgorithm().getId();
    byte[] sum = MessageDigest.getInstance(digest, "BC").digest(cert.getEncoded());
    if (!Arrays.equals(sum, ids[0].getCertHash())) {
      return false;
    }
    if (ids[0].getIssuerSerial() == null) {
      return true;
    }
    ASN1Encodable issuer = ids[0].getIssuerSerial().getIssuer().getNames()[0].getName();
    return X500Name.getInstance(issuer).equals(cert.getIssuer())
        && ids[0].getIssuerSerial().getSerial().getValue().equals(cert.getSerialNumber());
  }

  static String token(Path tok, Path imprint) throws IOException {
    TimeStampToken t;
    try (InputStream in = Files.newInputStream(tok)) {
      t = new TimeStampToken(ContentInfo.getInstance(org.bouncycastle.asn1.ASN1Primitive.fromByteArray(in.readAllBytes())));
    } catch (Exception | StackOverflowError e) {
      return "unreadable";
    }
    try {
      X509CertificateHolder cert = null;
      for (Store<X509CertificateHolder> store : List.of(t.getCertificates(), new CollectionStore<>(known))) {
        for (Object c : store.getMatches(t.getSID())) {
          cert = cert == null ? (X509CertificateHolder) c : cert;
        }
      }
      t.validate(new JcaSimpleSignerInfoVerifierBuilder().setProvider("BC").build(cert));
      return Arrays.equals(Files.readAllBytes(imprint), t.getTimeStampInfo().getMessageImprintDigest()) ? "yes" : "no";
    } catch (Exception | StackOverflowError e) {
      return "no";
    }
  }
}
