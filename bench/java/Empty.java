/// What starting the daemon is compared with: the same JVM that has nothing to do.
public final class Empty {
  private Empty() {}

  public static void main(String[] arguments) {}
}
