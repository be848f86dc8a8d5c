// SPDX-License-Identifier: Apache-2.0
package ai.dotori.example;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.Locale;

/** The Android example's client on this machine: AskServer SERVER TASK PHOTO prints what the app would show. */
public final class AskServer {
    private AskServer() {}

    public static void main(String[] args) throws IOException {
        try {
            print(new ServerAnalyser(args[0], args[1]).analyse(new Photo(Files.readAllBytes(Paths.get(args[2])))));
        } catch (IOException e) {
            System.out.println("error: " + e.getMessage());
        }
    }

    private static void print(Answer answer) {
        for (String line : answer.lines) System.out.println(line);
        for (Answer.Frame f : answer.frames) {
            System.out.printf(Locale.ROOT, "%s %.1f %.1f %.1f %.1f%n", f.text, f.left, f.top, f.right, f.bottom);
        }
        if (answer.mask == null) return;
        int[] counts = new int[256];
        for (byte c : answer.mask) ++counts[c & 0xFF];
        System.out.printf("mask %dx%d: %d %d%n", answer.maskWidth, answer.maskHeight, counts[0], counts[1]);
    }
}
