// SPDX-License-Identifier: Apache-2.0
// The five likeliest classes of a photo, in Java:
//   java -cp dotori.jar -Djava.library.path=FOLDER_OF_LIBDOTORI_JNI examples/java/Classify.java MODEL.dtr PHOTO
import ai.dotori.Category;
import ai.dotori.Classifier;
import ai.dotori.DotoriException;
import ai.dotori.Image;
import ai.dotori.Model;
import java.util.Locale;

public final class Classify {
  public static void main(String[] args) {
    if (args.length != 2) {
      System.err.println("usage: Classify MODEL.dtr PHOTO");
      System.exit(2);
    }
    try (Model model = Model.load(args[0]);
        Classifier classifier = new Classifier(model);
        Image photo = Image.load(args[1])) {
      for (Category c : classifier.classify(photo, 5)) {
        System.out.println(String.format(Locale.ROOT, "%5.1f %%  %s", c.score() * 100, c.label()));
      }
    } catch (DotoriException e) {
      System.err.println(e.getMessage());
      System.exit(1);
    }
  }
}
