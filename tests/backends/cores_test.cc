// SPDX-License-Identifier: Apache-2.0
// Which cores a session runs on: what the system's files say (made-up ones here), where threads go, what is refused,
// and that a session that does not run costs nothing.
#include "backends/cores.h"

#include <errno.h>
#include <gtest/gtest.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <thread>
#include <utility>

#include <dotori/backend.h>
#include <dotori/dotori.h>

#include "backends/thread_pool.h"
#include "graph/graph.h"
#include "support/random.h"

namespace dotori {
namespace {

namespace fs = std::filesystem;
using backends::CoreSet;
using backends::CoreVisit;

// A folder as /sys/devices/system/cpu.
class MadeUpCores {
 public:
  MadeUpCores() {
    std::string pattern = (fs::temp_directory_path() / "dotori_cores_XXXXXX").string();
    const char* made = mkdtemp(pattern.data());
    EXPECT_NE(made, nullptr);
    root_ = made == nullptr ? "/nonexistent" : made;
  }
  ~MadeUpCores() { fs::remove_all(root_); }
  MadeUpCores(const MadeUpCores&) = delete;
  MadeUpCores& operator=(const MadeUpCores&) = delete;

  void capacity(int core, const std::string& text) { write(core, "cpu_capacity", text); }
  void frequency(int core, const std::string& text) { write(core, "cpufreq/cpuinfo_max_freq", text); }
  const char* root() const { return root_.c_str(); }

  // "big little" of the cores in `allowed`.
  std::string classes(std::uint64_t allowed) const {
    const CoreSet set = CoreSet::of_mask(allowed);
    EXPECT_EQ(cores_of_class(CoreClass::kAll, set, root()), set);
    return cores_of_class(CoreClass::kBig, set, root()).text() + " " +
           cores_of_class(CoreClass::kLittle, set, root()).text();
  }

 private:
  void write(int core, const std::string& name, const std::string& text) {
    const fs::path path = fs::path(root_) / ("cpu" + std::to_string(core)) / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  std::string root_;
};

TEST(CoreSet, Text) {
  EXPECT_EQ(CoreSet().text(), "none");
  EXPECT_EQ(CoreSet::of_mask(1).text(), "0");
  EXPECT_EQ(CoreSet::of_mask(0b1101).text(), "0,2-3");
  EXPECT_EQ(CoreSet::of_mask(~std::uint64_t{0}).text(), "0-63");
  CoreSet far;
  far.add(1022);
  far.add(1023);
  EXPECT_EQ(far.text(), "1022-1023");
  EXPECT_EQ(far.count(), 2);
  EXPECT_EQ(far.mask(), 0u);
  EXPECT_TRUE(far.contains(CoreSet()));
  EXPECT_FALSE(far.contains(CoreSet::of_mask(1)));
}

TEST(CoreClasses, FourLittleTwoBig) {
  MadeUpCores cores;
  for (int core : {0, 1, 2, 3}) cores.capacity(core, "381\n");
  for (int core : {4, 5}) cores.capacity(core, "1024\n");
  EXPECT_EQ(cores.classes(0b111111), "4-5 0-3");
  // Only cores that may be used count.
  EXPECT_EQ(cores.classes(0b110011), "4-5 0-1");
  EXPECT_EQ(cores.classes(0b110000), "4-5 4-5");
  EXPECT_EQ(cores.classes(0b000110), "1-2 1-2");
  EXPECT_EQ(cores.classes(0), "none none");
}

TEST(CoreClasses, BigOnesFirst) {
  MadeUpCores cores;
  for (int core : {0, 1, 2, 3, 4, 5}) cores.capacity(core, core < 2 ? "1024" : "446");
  EXPECT_EQ(cores.classes(0b111111), "0-1 2-5");
}

TEST(CoreClasses, ThreeClusters) {
  MadeUpCores cores;
  for (int core = 0; core < 8; ++core) cores.capacity(core, core < 4 ? "250" : core < 7 ? "871" : "1024");
  EXPECT_EQ(cores.classes(0xff), "4-7 0-3");
  EXPECT_EQ(cores.classes(0xf0), "7 4-6") << "the least of what may be used";
}

TEST(CoreClasses, FrequencyWhereThereIsNoCapacity) {
  MadeUpCores cores;
  for (int core : {0, 1, 2}) cores.frequency(core, core == 2 ? "2000000\n" : "1400000\n");
  EXPECT_EQ(cores.classes(0b111), "2 0-1");
  // Capacities of some cores cannot be compared with frequencies of others.
  cores.capacity(0, "1024\n");
  EXPECT_EQ(cores.classes(0b111), "2 0-1");
  for (int core : {0, 1, 2}) cores.capacity(core, core == 0 ? "1024\n" : "500\n");
  EXPECT_EQ(cores.classes(0b111), "0 1-2");
}

TEST(CoreClasses, AlikeWhereNothingIsKnown) {
  MadeUpCores cores;
  EXPECT_EQ(cores.classes(0b1111), "0-3 0-3");
  for (int core : {0, 1, 2}) cores.capacity(core, core == 0 ? "400" : "1024");
  EXPECT_EQ(cores.classes(0b1111), "0-3 0-3") << "one has no file";
  cores.capacity(3, "1024");
  EXPECT_EQ(cores.classes(0b1111), "1-3 0");
  for (const char* garbage : {"", "\n", "big", "-400", "0", "400 MHz", "4e2", "99999999999999999999999999999999999999",
                              "400\n400\n", "0x400"}) {
    cores.capacity(0, garbage);
    EXPECT_EQ(cores.classes(0b1111), "0-3 0-3") << garbage;
  }
  for (int core : {0, 1, 2, 3}) cores.capacity(core, "1024");
  EXPECT_EQ(cores.classes(0b1111), "0-3 0-3") << "all the same";
  EXPECT_EQ(CoreSet::of_mask(0b11),
            cores_of_class(CoreClass::kBig, CoreSet::of_mask(0b11), std::string(600, 'x').c_str()));
}

TEST(CoreClasses, OfflineCoresAreNone) {
  MadeUpCores cores;
  // Cores 2 and 3 are offline: sched_getaffinity leaves them out, and cpufreq has no folder for them.
  for (int core : {0, 1}) cores.frequency(core, "1400000\n");
  for (int core : {4, 5}) cores.frequency(core, "2200000\n");
  EXPECT_EQ(cores.classes(0b110011), "4-5 0-1");
}

TEST(ChooseCores, MasksAndClasses) {
  MadeUpCores cores;
  for (int core : {0, 1, 2, 3}) cores.capacity(core, core < 2 ? "400" : "1024");
  const CoreSet allowed = CoreSet::of_mask(0b1110);
  const auto chosen = [&](CoreClass wanted, std::uint64_t mask) {
    const Result<CoreSet> set = choose_cores(wanted, mask, allowed, cores.root());
    return set.ok() ? set->text() : set.status().message();
  };
  EXPECT_EQ(chosen(CoreClass::kAll, 0), "none") << "asks for nothing";
  EXPECT_EQ(chosen(CoreClass::kBig, 0), "2-3");
  EXPECT_EQ(chosen(CoreClass::kLittle, 0), "1");
  EXPECT_EQ(chosen(CoreClass::kLittle, 0b100), "2") << "a mask goes before the class";
  EXPECT_EQ(chosen(CoreClass::kAll, 0b1110), "1-3");
  EXPECT_EQ(chosen(CoreClass::kAll, 0b1),
            "core_mask: core 0 does not exist or may not be used here; expected some of 1-3");
  EXPECT_EQ(chosen(CoreClass::kAll, 0b110010),
            "core_mask: cores 4-5 do not exist or may not be used here; expected some of 1-3");
  EXPECT_EQ(chosen(static_cast<CoreClass>(7), 0), "cores is 7, expected kAll, kBig or kLittle");
  EXPECT_EQ(choose_cores(CoreClass::kAll, 1, allowed, cores.root()).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(choose_cores(CoreClass::kBig, 0, CoreSet(), cores.root()).status().code(), StatusCode::kUnsupported);
}

TEST(CoreMask, OfThisMachine) {
  const std::uint64_t all = core_mask(CoreClass::kAll), big = core_mask(CoreClass::kBig),
                      little = core_mask(CoreClass::kLittle);
  EXPECT_EQ(all, backends::allowed_cores().mask());
  EXPECT_NE(all, 0u);
  EXPECT_EQ(big | little, all);
  EXPECT_TRUE((big & little) == 0 || (big == all && little == all));
}

std::uint64_t cores_of_thread(pid_t thread) {
  std::uint64_t words[CoreSet::kMost / 64] = {};
  return syscall(SYS_sched_getaffinity, thread, sizeof words, words) > 0 ? words[0] : 0;
}

std::set<pid_t> threads_of_process() {
  std::set<pid_t> threads;
  for (const auto& entry : fs::directory_iterator("/proc/self/task"))
    threads.insert(static_cast<pid_t>(std::stol(entry.path().filename().string())));
  return threads;
}

void sleep_ms(long ms) {
  const timespec pause{ms / 1000, ms % 1000 * 1'000'000};
  nanosleep(&pause, nullptr);
}

// The same when they have stayed alike for 50 ms: a thread that was joined before is still listed until the system has
// cleared it away.
std::set<pid_t> settled_threads() {
  std::set<pid_t> threads = threads_of_process();
  for (int alike = 0; alike < 5;) {
    sleep_ms(10);
    std::set<pid_t> now = threads_of_process();
    alike = now == threads ? alike + 1 : 0;
    threads = std::move(now);
  }
  return threads;
}

// The same when there are `count`, for which it waits two seconds at most.
std::set<pid_t> threads_of_process(std::size_t count) {
  std::set<pid_t> threads = threads_of_process();
  for (int i = 0; i < 200 && threads.size() != count; ++i, threads = threads_of_process()) sleep_ms(10);
  return threads;
}

// The lowest and the highest core that may be used; the same where there is one only.
struct TwoCores {
  std::uint64_t all = core_mask(CoreClass::kAll);
  std::uint64_t first = all & (~all + 1);
  std::uint64_t last = std::uint64_t{1} << (63 - __builtin_clzll(all | 1));
};

TEST(CoreVisit, ThereAndBack) {
  const TwoCores cores;
  {
    const CoreVisit nowhere((CoreSet()));
    EXPECT_EQ(cores_of_thread(0), cores.all);
  }
  for (std::uint64_t mask : {cores.first, cores.last, cores.all}) {
    {
      const CoreVisit visit(CoreSet::of_mask(mask));
      EXPECT_EQ(visit.error(), 0);
      EXPECT_EQ(cores_of_thread(0), mask);
      {
        // A second one inside, as when a session's backend runs a session.
        const CoreVisit inner(CoreSet::of_mask(cores.last));
        EXPECT_EQ(cores_of_thread(0), cores.last);
      }
      EXPECT_EQ(cores_of_thread(0), mask);
    }
    EXPECT_EQ(cores_of_thread(0), cores.all);
  }
}

TEST(CoreVisit, CoresThatAreNotThere) {
  const TwoCores cores;
  CoreSet far;
  far.add(1000);
  {
    const CoreVisit visit(far);
    EXPECT_EQ(visit.error(), EINVAL);
    EXPECT_EQ(cores_of_thread(0), cores.all);
    const Status status = backends::refused_cores(far, visit.error());
    EXPECT_EQ(status.code(), StatusCode::kUnsupported);
    EXPECT_NE(status.message().find("cores 1000 (EINVAL"), std::string::npos) << status.message();
  }
  EXPECT_EQ(cores_of_thread(0), cores.all);
}

// A network whose relu is the backend below.
Model small_model() {
  testing::Random random(3);
  graph::Graph g;
  const graph::ValueId x = g.add_input("x", DataType::kFloat32, {1, 32, 32, 16});
  graph::Conv2d conv;
  conv.kernel_h = conv.kernel_w = 3;
  conv.pad_top = conv.pad_bottom = conv.pad_left = conv.pad_right = 1;
  const graph::ValueId a =
      *g.add_node("conv", conv, {x, g.add_constant_f32("w", {16, 3, 3, 16}, random.floats(16 * 9 * 16))});
  graph::Unary relu;
  relu.activation.function = graph::Function::kRelu;
  const graph::ValueId b = *g.add_node("relu", relu, {a});
  g.outputs = {*g.add_node("last", conv, {b, g.add_constant_f32("v", {16, 3, 3, 16}, random.floats(16 * 9 * 16))})};
  Result<Model> model = Model::from_graph(std::move(g));
  EXPECT_TRUE(model.ok()) << model.status().message();
  return *model;
}

// Takes the relu and remembers on which cores the thread that runs it may be. Starts a thread, as XNNPACK does.
class Witness final : public Backend {
 public:
  const char* name() const noexcept override { return "witness"; }
  Status supports(const NodeView& node) const override {
    return std::string(node.op()) == "unary" ? Status() : unsupported("not a unary");
  }
  Result<std::unique_ptr<Region>> compile_region(const RegionRequest&) const override {
    std::thread([this] { of_thread = cores_of_thread(0); }).join();
    return std::unique_ptr<Region>(new Seen(*this));
  }
  mutable std::uint64_t of_thread = 0, of_run = 0;

 private:
  class Seen final : public Region {
   public:
    explicit Seen(const Witness& owner) : owner_(owner) {}
    Status bind(Span<const void* const>, Span<void* const>) override { return {}; }
    Status run() noexcept override {
      owner_.of_run = cores_of_thread(0);
      return {};
    }

   private:
    const Witness& owner_;
  };
};

TEST(SessionCores, ThreadsStayAndTheCallerComesBack) {
  const Model model = small_model();
  const TwoCores cores;
  const std::set<pid_t> before = settled_threads();
  for (std::uint64_t mask : {cores.last, cores.first, std::uint64_t{0}}) {
    const std::uint64_t expected = mask == 0 ? cores.all : mask;
    const Witness witness;
    SessionOptions options;
    options.num_threads = 3;  // more than cores is allowed
    options.core_mask = mask;
    options.custom_backend = &witness;
    Result<Session> session = Session::create(model, options);
    ASSERT_TRUE(session.ok()) << session.status().message();
    EXPECT_EQ(session->options().num_threads, 3);
    EXPECT_EQ(session->options().core_mask, mask);
    EXPECT_EQ(cores_of_thread(0), cores.all);
    int workers = 0;
    for (pid_t thread : threads_of_process(before.size() + 2)) {
      if (before.count(thread) != 0) continue;
      EXPECT_EQ(cores_of_thread(thread), expected);
      ++workers;
    }
    EXPECT_EQ(workers, 2);
    EXPECT_EQ(witness.of_thread, expected);
    ASSERT_TRUE(session->run().ok());
    EXPECT_EQ(witness.of_run, expected);
    EXPECT_EQ(cores_of_thread(0), cores.all);

    // Any thread may run it, a confined one too, and has its own cores afterwards.
    std::thread([&] {
      const CoreVisit elsewhere(CoreSet::of_mask(cores.first));
      witness.of_run = 0;
      ASSERT_TRUE(session->run().ok());
      EXPECT_EQ(witness.of_run, mask == 0 ? cores.first : expected);
      EXPECT_EQ(cores_of_thread(0), cores.first);
    }).join();
  }
}

TEST(SessionCores, ThreadsByTheCoresChosen) {
  const Model model = small_model();
  const TwoCores cores;
  SessionOptions options;
  options.num_threads = 0;
  const auto threads = [&] {
    Result<Session> session = Session::create(model, options);
    return session.ok() ? session->options().num_threads : -1;
  };
  EXPECT_EQ(threads(), std::min(64, CoreSet(backends::allowed_cores()).count()));
  options.core_mask = cores.last;
  EXPECT_EQ(threads(), 1);
  options.core_mask = 0;
  for (CoreClass wanted : {CoreClass::kBig, CoreClass::kLittle}) {
    options.cores = wanted;
    EXPECT_EQ(threads(), __builtin_popcountll(core_mask(wanted)));
    Result<Session> session = Session::create(model, options);
    ASSERT_TRUE(session.ok());
    EXPECT_EQ(session->options().core_mask, core_mask(wanted));
    ASSERT_TRUE(session->run().ok());
  }
}

TEST(SessionCores, SameNumbersEverywhere) {
  const Model model = small_model();
  const TwoCores cores;
  std::vector<float> first;
  for (std::uint64_t mask : {std::uint64_t{0}, cores.first, cores.last, cores.all}) {
    SessionOptions options;
    options.num_threads = 2;
    options.core_mask = mask;
    Result<Session> session = Session::create(model, options);
    ASSERT_TRUE(session.ok());
    for (std::int64_t i = 0; i < session->input(0).elements(); ++i)
      session->input(0).f32()[i] = static_cast<float>(i % 17) - 8;
    ASSERT_TRUE(session->run().ok());
    const TensorView y = session->output(0);
    const std::vector<float> got(y.f32(), y.f32() + y.elements());
    if (first.empty()) first = got;
    EXPECT_EQ(got, first);
  }
}

TEST(SessionCores, Refusals) {
  const Model model = small_model();
  const TwoCores cores;
  const std::size_t threads = settled_threads().size();
  SessionOptions options;
  options.num_threads = 2;
  options.cores = static_cast<CoreClass>(9);
  EXPECT_EQ(Session::create(model, options).status().code(), StatusCode::kInvalidArgument);
  options.cores = CoreClass::kAll;
  if (cores.all != ~std::uint64_t{0}) {
    options.core_mask = ~std::uint64_t{0};
    const Status status = Session::create(model, options).status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    EXPECT_NE(status.message().find("expected some of " + backends::allowed_cores().text()), std::string::npos)
        << status.message();
  }
  // Only what the calling thread may use counts.
  if (cores.first != cores.last) {
    const CoreVisit visit(CoreSet::of_mask(cores.first));
    options.core_mask = cores.last;
    EXPECT_EQ(Session::create(model, options).status().code(), StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(threads_of_process(threads).size(), threads);
  EXPECT_EQ(cores_of_thread(0), cores.all);
}

// From now on sched_setaffinity answers EPERM. False where that cannot be had.
bool forbid_set_affinity() {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offsetof(seccomp_data, nr))),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_sched_setaffinity, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter = {4, program};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

// Run in a child: 0 passed, 77 cannot be had.
int check_a_system_that_refuses() {
  const Model model = small_model();
  const TwoCores cores;
  SessionOptions options;
  options.num_threads = 2;
  options.core_mask = cores.last;
  Result<Session> before = Session::create(model, options);
  if (!before.ok()) return 1;
  const std::size_t threads = settled_threads().size();
  if (!forbid_set_affinity()) return 77;
  // A session that is there goes on, wherever it may.
  if (!before->run().ok()) return 2;
  const Result<Session> refused = Session::create(model, options);
  if (refused.ok() || refused.status().code() != StatusCode::kUnsupported) return 3;
  if (refused.status().message().find("EPERM") == std::string::npos) return 4;
  if (threads_of_process(threads).size() != threads || cores_of_thread(0) != cores.all) return 5;
  options.core_mask = 0;
  return Session::create(model, options).ok() ? 0 : 6;
}

TEST(SessionCores, ASystemThatRefuses) {
  if (TwoCores().first == TwoCores().last) GTEST_SKIP() << "one core: nothing to move";
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) _exit(check_a_system_that_refuses());
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 77) GTEST_SKIP() << "no seccomp filters here";
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

double process_seconds() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

TEST(Idle, ASessionThatDoesNotRunUsesNoTime) {
  SessionOptions options;
  options.num_threads = 4;
  Result<Session> session = Session::create(small_model(), options);
  ASSERT_TRUE(session.ok());
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(session->run().ok());
  sleep_ms(20);  // the spin after the last step
  const double start = process_seconds();
  sleep_ms(500);
  const double used = process_seconds() - start;
  EXPECT_LT(used, 0.01 * 0.5) << "seconds of processor time in half a second";
}

// What 30 frames a second cost beside their work: waking the worker, and the bounded spin of both threads.
TEST(Idle, BetweenFrames) {
  Result<std::unique_ptr<backends::ThreadPool>> pool = backends::ThreadPool::create(2);
  ASSERT_TRUE(pool.ok());
  constexpr int kFrames = 30, kTiles = 8;
  std::atomic<int> tiles{0};
  sleep_ms(20);
  const double start = process_seconds();
  for (int frame = 0; frame < kFrames; ++frame) {
    (*pool)->parallel_for(kTiles, [&](int, int) noexcept { tiles.fetch_add(1, std::memory_order_relaxed); });
    sleep_ms(33);
  }
  const double used = process_seconds() - start;
  EXPECT_EQ(tiles.load(), kFrames * kTiles);
  std::printf("2 threads, 30 frames a second: %.2f %% of a core beside the work\n", 100 * used);
#ifndef DOTORI_TEST_EMULATED
  EXPECT_LT(used, 0.01);
#endif
}

}  // namespace
}  // namespace dotori
