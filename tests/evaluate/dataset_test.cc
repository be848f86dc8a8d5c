// SPDX-License-Identifier: Apache-2.0
#include "evaluate/dataset.h"

#include "evaluate/temporary_folder.h"

namespace dotori::evaluate {
namespace {

class DatasetTest : public InFolder {
 protected:
  void SetUp() override {
    InFolder::SetUp();
    for (const char* photo : {"photos/a.png", "photos/b.png", "photos/below/c.png"}) write_photo(photo, 4, 2, {});
    write("photos/notes.txt", "no photo");
  }
  // The error for a file with this text, which must name the file and `expected`.
  template <class Load>
  void expect_error(const std::string& file, const std::string& text, const std::string& expected, const Load& load) {
    write(file, text);
    const auto set = load(path("photos"), path(file));
    ASSERT_FALSE(set.ok()) << text;
    EXPECT_NE(set.status().message().find(path(file)), std::string::npos) << set.status().message();
    EXPECT_NE(set.status().message().find(expected), std::string::npos) << set.status().message();
  }
};

TEST_F(DatasetTest, PhotosAreSortedAndFoldersEntered) {
  const auto photos = list_photos(path("photos"));
  ASSERT_TRUE(photos.ok()) << photos.status().message();
  EXPECT_EQ(*photos,
            (std::vector<std::string>{path("photos/a.png"), path("photos/b.png"), path("photos/below/c.png")}));
  EXPECT_EQ(list_photos(path("nowhere")).status().code(), StatusCode::kNotFound);
  std::filesystem::create_directory(path("empty"));
  EXPECT_EQ(list_photos(path("empty")).status().code(), StatusCode::kNotFound);
}

TEST_F(DatasetTest, LimitSpreadsEvenly) {
  std::vector<int> numbers = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  keep_spread(&numbers, 0);
  keep_spread(&numbers, 10);
  EXPECT_EQ(numbers.size(), 10u);
  keep_spread(&numbers, 4);
  EXPECT_EQ(numbers, (std::vector<int>{0, 2, 5, 7}));
}

TEST_F(DatasetTest, Labels) {
  // With and without a heading; the second with more fields and Windows line ends.
  for (const char* text : {"file,label\na.png,3\n\nbelow/c.png, 12\n", "a.png, 3, 9\r\nbelow/c.png,12,1\r\n"}) {
    write("labels.csv", text);
    const auto set = load_labels(path("photos"), path("labels.csv"));
    ASSERT_TRUE(set.ok()) << set.status().message();
    EXPECT_EQ(set->truth, Truth::kLabels);
    ASSERT_EQ(set->examples.size(), 2u);
    EXPECT_EQ(set->examples[0].label, 3);
    EXPECT_EQ(set->examples[1].label, 12);
    EXPECT_EQ(set->examples[1].photo, path("photos/below/c.png"));
  }
}

TEST_F(DatasetTest, LabelErrorsNameTheLine) {
  expect_error("labels.csv", "file,label\na.png,1\nz.png,2\n", ":3: photo 'z.png'", load_labels);
  expect_error("labels.csv", "a.png,1\nb.png,two\n", ":2: ", load_labels);
  expect_error("labels.csv", "a.png,1\nb.png,-1\n", ":2: ", load_labels);
  expect_error("labels.csv", "a.png,1\nb.png\n", ":2: ", load_labels);
  expect_error("labels.csv", "a.png,1\nb.png,99999999999999\n", ":2: ", load_labels);
  expect_error("labels.csv", "file,label\n", "no labels", load_labels);
  EXPECT_EQ(load_labels(path("photos"), path("none.csv")).status().code(), StatusCode::kNotFound);
}

TEST_F(DatasetTest, Coco) {
  write("coco.json", R"({"images": [{"id": 7, "file_name": "b.png"}, {"id": 2, "file_name": "a.png"}],
    "categories": [{"id": 9, "name": "dog"}, {"id": 4, "name": "cat"}],
    "annotations": [{"image_id": 2, "category_id": 9, "bbox": [1, 0.5, 2, 1], "area": 1.5, "iscrowd": 0},
                    {"image_id": 2, "category_id": 4, "bbox": [0, 0, 4, 2], "iscrowd": 1}]})");
  const auto set = load_coco(path("photos"), path("coco.json"));
  ASSERT_TRUE(set.ok()) << set.status().message();
  EXPECT_EQ(set->categories, (std::vector<std::string>{"cat", "dog"}));
  ASSERT_EQ(set->examples.size(), 2u);
  EXPECT_EQ(set->examples[0].photo, path("photos/b.png"));
  EXPECT_TRUE(set->examples[0].boxes.empty());
  ASSERT_EQ(set->examples[1].boxes.size(), 2u);
  const TruthBox& dog = set->examples[1].boxes[0];
  EXPECT_EQ(dog.category, 1);
  EXPECT_EQ(dog.y, 0.5);
  EXPECT_EQ(dog.width, 2);
  EXPECT_EQ(dog.area, 1.5);
  EXPECT_FALSE(dog.ignore);
  const TruthBox& cats = set->examples[1].boxes[1];
  EXPECT_EQ(cats.area, 8);
  EXPECT_TRUE(cats.crowd);
  EXPECT_TRUE(cats.ignore);
}

TEST_F(DatasetTest, CocoErrorsNameTheKey) {
  const std::string images = R"({"images": [{"id": 7, "file_name": "b.png"}], )";
  const std::string rest = images + R"("categories": [{"id": 9, "name": "dog"}], "annotations": )";
  const auto one = [&](const std::string& annotation) { return rest + "[{" + annotation + "}]}"; };
  struct Case {
    std::string text, expected;
  };
  const std::vector<Case> cases = {
      {"no json", "not JSON"},
      {"[1]", "'categories'"},
      {R"({"categories": [{"id": 9}]})", "categories[0].name"},
      {R"({"categories": [{"id": 9, "name": "a"}, {"id": 9, "name": "b"}]})", "categories[1].id"},
      {R"({"categories": [3], "images": []})", "categories[0].id"},
      {R"({"categories": [], "images": []})", "images"},
      {R"({"categories": [], "images": [{"id": "x"}]})", "images[0].id"},
      {R"({"categories": [], "images": [{"id": 1, "file_name": "z.png"}]})", "images[0].file_name"},
      {rest + "3}", "'annotations'"},
      {one(R"("image_id": 8, "category_id": 9, "bbox": [0, 0, 1, 1])"), "annotations[0].image_id"},
      {one(R"("image_id": 7, "category_id": 1, "bbox": [0, 0, 1, 1])"), "annotations[0].category_id"},
      {one(R"("image_id": 7, "category_id": 9)"), "annotations[0].bbox"},
      {one(R"("image_id": 7, "category_id": 9, "bbox": [0, 0, 1])"), "annotations[0].bbox"},
      {one(R"("image_id": 7, "category_id": 9, "bbox": [0, 0, -1, 1])"), "annotations[0].bbox"},
      {one(R"("image_id": 7, "category_id": 9, "bbox": [0, 0, 1, 1], "area": "x")"), "annotations[0].area"},
      {one(R"("image_id": 7, "category_id": 9, "bbox": [0, 0, 1, 1], "iscrowd": "x")"), "annotations[0].iscrowd"},
  };
  for (const Case& c : cases) expect_error("coco.json", c.text, c.expected, load_coco);
}

TEST_F(DatasetTest, PascalVoc) {
  write("xml/a.xml",
        "<annotation>\n<filename>a.png</filename>\n<object><name>plate</name><difficult>1</difficult>\n"
        "<bndbox> <xmin>0</xmin><ymin>1</ymin><xmax>3</xmax><ymax>2</ymax></bndbox></object>\n"
        "<object>\n\t<name>acorn</name>\n<bndbox><xmin>1.5</xmin>\n<ymin> 0 </ymin><xmax>4</xmax><ymax>2</ymax>"
        "</bndbox></object></annotation>");
  write("xml/c.xml", "<annotation></annotation>");
  const auto set = load_voc(path("photos"), path("xml"));
  ASSERT_TRUE(set.ok()) << set.status().message();
  EXPECT_EQ(set->categories, (std::vector<std::string>{"acorn", "plate"}));
  ASSERT_EQ(set->examples.size(), 2u);
  ASSERT_EQ(set->examples[0].boxes.size(), 2u);
  EXPECT_EQ(set->examples[0].boxes[0].category, 1);
  EXPECT_TRUE(set->examples[0].boxes[0].ignore);
  EXPECT_FALSE(set->examples[0].boxes[0].crowd);
  const TruthBox& acorn = set->examples[0].boxes[1];
  EXPECT_EQ(acorn.category, 0);
  EXPECT_EQ(acorn.x, 1.5);
  EXPECT_EQ(acorn.width, 2.5);
  EXPECT_EQ(acorn.area, 5);
  EXPECT_EQ(set->examples[1].photo, path("photos/below/c.png"));
  EXPECT_TRUE(set->examples[1].boxes.empty());
}

TEST_F(DatasetTest, PascalVocErrorsNameTheElement) {
  const auto load = [this](const std::string& photos, const std::string&) { return load_voc(photos, path("xml")); };
  expect_error("xml/a.xml", "<html>", "<annotation>", load);
  expect_error("xml/a.xml", "<annotation><object></object></annotation>", "object[0].name", load);
  expect_error("xml/a.xml", "<annotation><object><name>n</name><xmin>0</xmin><ymin>x</ymin></object></annotation>",
               "object[0].bndbox.ymin", load);
  std::filesystem::remove(path("xml/a.xml"));
  expect_error("xml/z.xml", "<annotation></annotation>", "'z'", load);
  EXPECT_EQ(load_voc(path("photos"), path("photos")).status().code(), StatusCode::kNotFound);
}

TEST_F(DatasetTest, MasksByName) {
  write_photo("masks/a.png", 4, 2, {});
  write_photo("masks/b.bmp.png", 4, 2, {});
  const auto missing = load_masks(path("photos"), path("masks"));
  ASSERT_FALSE(missing.ok());
  EXPECT_NE(missing.status().message().find("photos/b.png"), std::string::npos) << missing.status().message();
  write_photo("masks/b.png", 4, 2, {});
  write_photo("masks/deep/c.png", 4, 2, {});
  const auto set = load_masks(path("photos"), path("masks"));
  ASSERT_TRUE(set.ok()) << set.status().message();
  ASSERT_EQ(set->examples.size(), 3u);
  EXPECT_EQ(set->examples[2].mask, path("masks/deep/c.png"));
  write_photo("masks/deep/a.png", 4, 2, {});
  EXPECT_EQ(load_masks(path("photos"), path("masks")).status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace dotori::evaluate
