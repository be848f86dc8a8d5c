// SPDX-License-Identifier: Apache-2.0
package ai.dotori;

import static ai.dotori.Samples.assertClosed;
import static ai.dotori.Samples.assertError;
import static ai.dotori.Samples.assertInvalid;
import static ai.dotori.Samples.assertNull;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

final class ModelTest {
  private static final String ACORN = new String(Character.toChars(0x1F330));

  @Test
  void library() {
    assertTrue(Dotori.version().matches("\\d+\\.\\d+\\.\\d+"), Dotori.version());
    assertTrue(Dotori.abiVersion() >= 1);
    assertTrue(Arrays.asList("avx2", "avx512", "avx512_vnni", "neon", "neon_dot", "none").contains(Dotori.instructionSet()));
  }

  @Test
  void describesItself() throws IOException {
    try (Model model = Samples.model("classifier")) {
      assertEquals("classifier", model.name());
      assertEquals(Task.CLASSIFICATION, model.task());
      assertEquals(1, model.inputCount());
      assertEquals(1, model.outputCount());
      assertEquals(Files.size(Paths.get(Samples.path("classifier"))), model.fileBytes());
      assertEquals(Arrays.asList("red", "\uB3C4\uD1A0\uB9AC", ACORN + " blue"), model.labels());
      assertTrue(model.json().contains(ACORN), model.json());
      Tensor input = model.input(0);
      assertEquals("photo", input.name());
      assertEquals(DataType.FLOAT32, input.type());
      assertArrayEquals(new long[] {1, 8, 8, 3}, input.shape());
      assertEquals(4 * 8 * 8 * 3, input.sizeBytes());
      assertEquals(0, input.scale());
      assertArrayEquals(new long[] {1, 3}, model.output(0).shape());
      assertThrows(IllegalStateException.class, input::buffer);
    }
  }

  @Test
  void loadsFromMemory() throws IOException {
    byte[] bytes = Files.readAllBytes(Paths.get(Samples.path("classifier")));
    try (Model model = Model.load(bytes, "array")) {
      assertEquals("classifier", model.name());
    }
    // Not at the beginning of the buffer.
    ByteBuffer buffer = ByteBuffer.allocateDirect(bytes.length + 20);
    buffer.position(13);
    buffer.put(bytes);
    buffer.position(13).limit(13 + bytes.length);
    try (Model model = Model.load(buffer, "buffer")) {
      assertEquals("classifier", model.name());
      assertEquals(13, buffer.position());
    }
    buffer.limit(13 + bytes.length - 1);
    assertError(ErrorCode.CORRUPT_MODEL, "buffer", () -> Model.load(buffer, "buffer"));
    assertError(ErrorCode.CORRUPT_MODEL, ACORN, () -> Model.load(new byte[3], ACORN));
    assertThrows(DotoriException.class, () -> Model.load(new byte[0], "empty"));
    assertThrows(DotoriException.class, () -> Model.load(ByteBuffer.allocateDirect(0), "empty"));
    assertInvalid("not a direct buffer", () -> Model.load(ByteBuffer.wrap(bytes), "heap"));
  }

  @Test
  void refusesWhatIsWrong() {
    assertError(ErrorCode.NOT_FOUND, "none.dtr", () -> Model.load("/none.dtr"));
    assertError(ErrorCode.NOT_FOUND, ACORN, () -> Model.load("/" + ACORN));
    assertInvalid("zero", () -> Model.load("a\0b"));
    assertNull("path", () -> Model.load(null));
    assertNull("bytes", () -> Model.load((byte[]) null, "name"));
    assertNull("bytes", () -> Model.load((ByteBuffer) null, "name"));
    assertNull("name", () -> Model.load(new byte[3], null));
    try (Model model = Samples.model("classifier")) {
      assertInvalid("1", () -> model.input(1));
      assertInvalid("-1", () -> model.output(-1));
    }
  }

  @Test
  void closes() {
    Model model = Samples.model("classifier");
    Session session = new Session(model);
    model.close();
    model.close();
    assertClosed(model::name);
    assertClosed(model::task);
    assertClosed(model::labels);
    assertClosed(model::json);
    assertClosed(() -> model.input(0));
    assertClosed(() -> new Session(model));
    assertClosed(() -> new Classifier(model));
    session.run();
    session.close();
  }
}
