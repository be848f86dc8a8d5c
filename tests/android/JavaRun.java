// SPDX-License-Identifier: Apache-2.0

import ai.dotori.DotoriException;
import ai.dotori.Image;
import ai.dotori.Model;
import ai.dotori.Photo;
import ai.dotori.Session;
import ai.dotori.SessionOptions;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.util.Arrays;

/** What run.c does, through the Java classes: JavaRun MODEL FOLDER, with FOLDER/input_0.raw and the expected FOLDER/output_0.raw, … */
public final class JavaRun {
    public static void main(String[] arguments) throws IOException {
        File folder = new File(arguments[1]);
        int outputs;
        try (Model model = Model.load(arguments[0]); Session session = new Session(model, new SessionOptions().threads(2))) {
            session.setInput(0, Files.readAllBytes(new File(folder, "input_0.raw").toPath()));
            session.run();
            outputs = session.outputCount();
            for (int i = 0; i < outputs; ++i) {
                byte[] found = new byte[(int) session.output(i).sizeBytes()];
                session.getOutput(i, found);
                byte[] expected = Files.readAllBytes(new File(folder, "output_" + i + ".raw").toPath());
                check(Arrays.equals(found, expected), "output " + i + " differs");
            }
        }
        int width = 64, height = 48;
        byte[] nv21 = new byte[width * height * 3 / 2];
        for (int i = 0; i < nv21.length; ++i) nv21[i] = (byte) (i < width * height ? i % width * 4 : 128);
        try (Image upright = Photo.nv21(nv21, width, height, 90).toImage()) {
            check(upright.width() == height && upright.height() == width, "size of the turned picture");
            byte[] rgb = new byte[nv21.length * 2];
            upright.pixels(rgb);
            for (int i = 0; i < rgb.length; ++i) check((rgb[i] & 255) == i / (3 * height) * 4, "pixel byte " + i);
        }
        try {
            Image.decode(new byte[] {(byte) 0xFF, (byte) 0xD8, (byte) 0xFF, (byte) 0xE0});
            throw new AssertionError("this build has no decoders");
        } catch (DotoriException e) {
            System.out.println("Java: " + outputs + " outputs as expected; an error says: " + e.getMessage());
        }
    }

    private static void check(boolean ok, String what) {
        if (!ok) throw new AssertionError(what);
    }
}
