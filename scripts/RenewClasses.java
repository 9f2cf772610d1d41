import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassFile.ClassHierarchyResolverOption;
import java.lang.classfile.ClassFile.StackMapsOption;
import java.lang.classfile.ClassFileVersion;
import java.lang.classfile.ClassHierarchyResolver;
import java.lang.classfile.ClassTransform;
import java.lang.classfile.CodeTransform;
import java.lang.constant.ClassDesc;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.LocalDateTime;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import java.util.zip.ZipOutputStream;

/// `java RenewClasses.java JAR`: gives the classes of a jar the version 50 and the stack maps that
/// go with it, and changes nothing else of them; the jar keeps its time. No AOT cache takes
/// anything older, and the verifier that infers types instead of reading them is slow besides.
///
/// A jar that was renewed says so in [#NOTICE], and is left alone.
public final class RenewClasses {
  private static final String NOTICE = "META-INF/CHANGED.txt";
  private static final String CHANGE =
      "The class files are those that were published, but of version 50 and with stack maps, for Sealbuf's AOT cache.\n";
  private static final int VERSION = ClassFile.JAVA_6_VERSION;

  private final Map<String, byte[]> files = new LinkedHashMap<>();
  private final ClassFile classFile =
      ClassFile.of(
          StackMapsOption.GENERATE_STACK_MAPS,
          ClassHierarchyResolverOption.of(
              ClassHierarchyResolver.ofResourceParsing(this::own)
                  .orElse(ClassHierarchyResolver.defaultResolver())));

  private RenewClasses() {}

  public static void main(String[] arguments) throws IOException {
    Path jar = Path.of(arguments[0]);
    RenewClasses classes = new RenewClasses();
    classes.read(jar);
    if (classes.files.containsKey(NOTICE)) {
      return;
    }
    Path renewed = Files.write(jar.resolveSibling(jar.getFileName() + ".new"), classes.renewed());
    Files.setLastModifiedTime(renewed, Files.getLastModifiedTime(jar));
    Files.move(renewed, jar, StandardCopyOption.ATOMIC_MOVE);
  }

  private void read(Path jar) throws IOException {
    try (ZipInputStream in = new ZipInputStream(Files.newInputStream(jar))) {
      for (ZipEntry entry = in.getNextEntry(); entry != null; entry = in.getNextEntry()) {
        files.put(entry.getName(), in.readAllBytes());
      }
    }
  }

  private ByteArrayInputStream own(ClassDesc type) {
    String descriptor = type.descriptorString();
    byte[] found = files.get(descriptor.substring(1, descriptor.length() - 1) + ".class");
    return found == null ? null : new ByteArrayInputStream(found);
  }

  private byte[] renewed() throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream out = new ZipOutputStream(bytes)) {
      for (Map.Entry<String, byte[]> file : files.entrySet()) {
        boolean isClass = file.getKey().endsWith(".class");
        add(out, file.getKey(), isClass ? renewed(file.getValue()) : file.getValue());
      }
      add(out, NOTICE, CHANGE.getBytes(StandardCharsets.UTF_8));
    }
    return bytes.toByteArray();
  }

  private byte[] renewed(byte[] bytes) {
    var model = classFile.parse(bytes);
    if (model.majorVersion() >= VERSION) {
      return bytes;
    }
    // Code that is merely accepted would be copied as it is, without stack maps.
    CodeTransform anew = CodeTransform.ACCEPT_ALL.andThen((code, element) -> code.with(element));
    ClassTransform version =
        (type, element) ->
            type.with(
                element instanceof ClassFileVersion ? ClassFileVersion.of(VERSION, 0) : element);
    return classFile.transformClass(
        model, ClassTransform.transformingMethodBodies(anew).andThen(version));
  }

  private static void add(ZipOutputStream out, String name, byte[] bytes) throws IOException {
    ZipEntry entry = new ZipEntry(name);
    entry.setTimeLocal(LocalDateTime.of(1980, 1, 1, 0, 0));
    out.putNextEntry(entry);
    out.write(bytes);
    out.closeEntry();
  }
}
