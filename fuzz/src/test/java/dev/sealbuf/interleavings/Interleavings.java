package dev.sealbuf.interleavings;

import static org.jetbrains.lincheck.datastructures.ManagedStrategyGuaranteeKt.forClasses;

import java.util.Arrays;
import org.jetbrains.lincheck.datastructures.ModelCheckingOptions;
import org.jetbrains.lincheck.datastructures.StressOptions;

/// How thoroughly the threads of a scenario are interleaved: some seconds, or minutes with
/// `-Dsoak=true`.
public final class Interleavings {
  private static final int TIMES = Boolean.getBoolean("soak") ? 20 : 1;

  private Interleavings() {}

  /// Switches threads at every access to what they share, in each order that it has time for.
  ///
  /// @param orders tried of each scenario
  /// @param whole classes whose methods run without a switch: they touch more words than there is
  ///   time for
  public static void explore(Class<?> scenario, int orders, Class<?>... whole) {
    ModelCheckingOptions options =
        new ModelCheckingOptions()
            .threads(2)
            .actorsPerThread(3)
            .actorsBefore(1)
            .actorsAfter(1)
            .iterations(10 * TIMES)
            .invocationsPerIteration(orders);
    String[] names = Arrays.stream(whole).map(Class::getName).toArray(String[]::new);
    options.addGuarantee(forClasses(names).allMethods().treatAsAtomic());
    options.check(scenario);
  }

  /// Lets the machine interleave them, with nothing of the code rewritten: for what leaves Java,
  /// and for orders that only processors make.
  public static void stress(Class<?> scenario, int times) {
    new StressOptions()
        .threads(3)
        .actorsPerThread(3)
        .actorsBefore(1)
        .actorsAfter(1)
        .iterations(10 * TIMES)
        .invocationsPerIteration(times)
        .check(scenario);
  }
}
