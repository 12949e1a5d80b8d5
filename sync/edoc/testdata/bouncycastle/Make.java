import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.MessageDigest;
import java.security.PrivateKey;
import java.security.Security;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.DERSet;
import org.bouncycastle.asn1.cms.Attribute;
import org.bouncycastle.asn1.cms.AttributeTable;
import org.bouncycastle.asn1.cms.CMSAttributes;
import org.bouncycastle.asn1.ess.ESSCertIDv2;
import org.bouncycastle.asn1.ess.SigningCertificateV2;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.IssuerSerial;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.ocsp.OCSPResp;
import org.bouncycastle.cms.CMSAttributeTableGenerator;
import org.bouncycastle.cms.CMSProcessableByteArray;
import org.bouncycastle.cms.CMSSignedData;
import org.bouncycastle.cms.CMSSignedDataGenerator;
import org.bouncycastle.cms.DefaultSignedAttributeTableGenerator;
import org.bouncycastle.cms.SignerInfoGenerator;
import org.bouncycastle.cms.SignerInformation;
import org.bouncycastle.cms.SignerInformationStore;
import org.bouncycastle.cms.jcajce.JcaSignerInfoGeneratorBuilder;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.operator.jcajce.JcaDigestCalculatorProviderBuilder;

/**
 * Makes with BouncyCastle what we are to read: a CAdES signature of 0.der/0.key over content, with
 * counter-signatures of 1.der/1.key and 2.der/2.key, and an OCSP response.
 *
 * <p>Usage: java -cp … Make.java DIR. In DIR: content, N.der, N.key (PKCS #8), response. Writes
 * made.p7s.
 */
public class Make {
  static CMSAttributeTableGenerator cades(X509CertificateHolder cert) throws Exception {
    byte[] sum = MessageDigest.getInstance("SHA-256").digest(cert.getEncoded());
    IssuerSerial is = new IssuerSerial(new GeneralNames(new GeneralName(cert.getIssuer())), cert.getSerialNumber());
    Attribute ess = new Attribute(PKCSObjectIdentifiers.id_aa_signingCertificateV2,
        new DERSet(new SigningCertificateV2(new ESSCertIDv2[] {new ESSCertIDv2(sum, is)})));
    CMSAttributeTableGenerator usual = new DefaultSignedAttributeTableGenerator();
    ASN1ObjectIdentifier protection = CMSAttributes.cmsAlgorithmProtect;
    return (Map parameters) -> {
      AttributeTable t = usual.getAttributes(parameters).remove(protection);
      return t.add(ess.getAttrType(), ess.getAttrValues().getObjectAt(0));
    };
  }

  static SignerInfoGenerator signer(Path dir, int n, X509CertificateHolder cert) throws Exception {
    PrivateKey key = KeyFactory.getInstance("EC").generatePrivate(new PKCS8EncodedKeySpec(Files.readAllBytes(dir.resolve(n + ".key"))));
    return new JcaSignerInfoGeneratorBuilder(new JcaDigestCalculatorProviderBuilder().build())
        .setSignedAttributeGenerator(cades(cert))
        .build(new JcaContentSignerBuilder("SHA256withECDSA").setProvider("BC").build(key), cert);
  }

  static byte[] bytes(X509CertificateHolder c) {
    try {
      return c.getEncoded();
    } catch (java.io.IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  public static void main(String[] args) throws Exception {
    Security.addProvider(new BouncyCastleProvider());
    Path dir = Path.of(args[0]);
    List<X509CertificateHolder> certs = new ArrayList<>();
    for (int n = 0; n < 3; n++) {
      certs.add(new X509CertificateHolder(Files.readAllBytes(dir.resolve(n + ".der"))));
    }
    CMSSignedDataGenerator g = new CMSSignedDataGenerator();
    g.addSignerInfoGenerator(signer(dir, 0, certs.get(0)));
    // BouncyCastle does not sort this set, even when asked for DER.
    List<X509CertificateHolder> inOrder = new ArrayList<>(certs);
    inOrder.sort((a, b) -> Arrays.compareUnsigned(bytes(a), bytes(b)));
    for (X509CertificateHolder c : inOrder) {
      g.addCertificate(c);
    }
    // Of lists and responses together it makes a set that is not in DER's order either.
    OCSPResp response = new OCSPResp(Files.readAllBytes(dir.resolve("response")));
    g.addOtherRevocationInfo(new ASN1ObjectIdentifier("1.3.6.1.5.5.7.16.2"), response.toASN1Structure());
    CMSSignedData data = g.generate(new CMSProcessableByteArray(Files.readAllBytes(dir.resolve("content"))), false);
    SignerInformation first = data.getSignerInfos().getSigners().iterator().next();
    CMSSignedDataGenerator counter = new CMSSignedDataGenerator();
    counter.addSignerInfoGenerator(signer(dir, 1, certs.get(1)));
    counter.addSignerInfoGenerator(signer(dir, 2, certs.get(2)));
    SignerInformation both = SignerInformation.addCounterSigners(first, counter.generateCounterSigners(first));
    data = CMSSignedData.replaceSigners(data, new SignerInformationStore(both));
    Files.write(dir.resolve("made.p7s"), data.getEncoded("DER"));
  }
}
