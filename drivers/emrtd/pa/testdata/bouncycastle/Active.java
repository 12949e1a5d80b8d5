import java.math.BigInteger;
import java.security.SecureRandom;
import java.util.Arrays;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.crypto.AsymmetricCipherKeyPair;
import org.bouncycastle.crypto.Digest;
import org.bouncycastle.crypto.digests.*;
import org.bouncycastle.crypto.engines.RSAEngine;
import org.bouncycastle.crypto.generators.RSAKeyPairGenerator;
import org.bouncycastle.crypto.params.RSAKeyGenerationParameters;
import org.bouncycastle.crypto.signers.ISO9796d2Signer;
import org.bouncycastle.crypto.util.SubjectPublicKeyInfoFactory;
import org.bouncycastle.util.encoders.Hex;

/** Active signs a challenge as a passport's chip does, with each hash: a line of
 * name, key and signature for each. */
public class Active {
    public static void main(String[] args) throws Exception {
        byte[] challenge = Hex.decode(args[0]);
        SecureRandom random = new SecureRandom();
        Object[][] ways = {
            {"SHA-1 without a number", new SHA1Digest(), true, 1024}, {"SHA-1", new SHA1Digest(), false, 1024},
            {"SHA-224", new SHA224Digest(), false, 1536}, {"SHA-256", new SHA256Digest(), false, 1280},
            {"SHA-384", new SHA384Digest(), false, 1536}, {"SHA-512", new SHA512Digest(), false, 2048},
        };
        for (Object[] w : ways) {
            int bits = (Integer) w[3];
            boolean implicit = (Boolean) w[2];
            Digest digest = (Digest) w[1];
            RSAKeyPairGenerator g = new RSAKeyPairGenerator();
            g.init(new RSAKeyGenerationParameters(BigInteger.valueOf(65537), random, bits, 10));
            AsymmetricCipherKeyPair key = g.generateKeyPair();
            byte[] filling = new byte[bits / 8 - digest.getDigestSize() - (implicit ? 1 : 2) - 1];
            random.nextBytes(filling);
            ISO9796d2Signer signer = new ISO9796d2Signer(new RSAEngine(), digest, implicit);
            signer.init(true, key.getPrivate());
            signer.update(filling, 0, filling.length);
            signer.update(challenge, 0, challenge.length);
            byte[] sig = signer.generateSignature();
            SubjectPublicKeyInfo spki = SubjectPublicKeyInfoFactory.createSubjectPublicKeyInfo(key.getPublic());
            System.out.println(w[0] + "|" + Hex.toHexString(spki.getEncoded()) + "|" + Hex.toHexString(sig));
        }
    }
}
