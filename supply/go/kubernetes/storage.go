package main

import (
	"context"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
)

const (
	provisioner = "deploy-supply/node-folder"
	kubeconfig  = "/etc/kubernetes/admin.conf"
	retry       = 15 * time.Second // every object is looked at again, so a failure is retried

	// The contract between the controller manager and what provisions volumes.
	annProvisioner   = "volume.kubernetes.io/storage-provisioner"
	annSelectedNode  = "volume.kubernetes.io/selected-node"
	annProvisionedBy = "pv.kubernetes.io/provisioned-by"
)

// nodeStorage provisions volumes that are folders of this node. It is for clusters of one
// node: all of them are made where it runs. (The library for provisioners would replace
// the versions of half of the modules that this release of Kubernetes was tested with.)
func nodeStorage() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		klog.Fatal(err)
	}
	storage := folders{ctx, kubernetes.NewForConfigOrDie(config), "/var/local-volumes"}
	factory := informers.NewSharedInformerFactory(storage.client, retry)
	onChange(factory.Core().V1().PersistentVolumeClaims().Informer(), storage.provision)
	onChange(factory.Core().V1().PersistentVolumes().Informer(), storage.reclaim)
	factory.Start(ctx.Done())
	<-ctx.Done()
}

func onChange[T any](informer cache.SharedIndexInformer, act func(T) error) {
	handle := func(object any) {
		if err := act(object.(T)); err != nil {
			klog.Error(err)
		}
	}
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    handle,
		UpdateFunc: func(_, object any) { handle(object) },
	})
	if err != nil {
		klog.Fatal(err)
	}
}

// folders makes each volume a folder below root.
type folders struct {
	ctx    context.Context
	client kubernetes.Interface
	root   string
}

// provision makes the volume of a claim whose pod was scheduled; the controller manager
// binds the two.
func (f folders) provision(claim *core.PersistentVolumeClaim) error {
	node := claim.Annotations[annSelectedNode]
	if claim.Spec.VolumeName != "" || node == "" || claim.Annotations[annProvisioner] != provisioner {
		return nil
	}
	name := "pvc-" + string(claim.UID)
	path := filepath.Join(f.root, name)
	if err := os.MkdirAll(path, 0o777); err != nil {
		return err
	}
	// Whoever the pod runs as may write, as with the provisioners of kind and Minikube;
	// the umask would have taken that away.
	if err := os.Chmod(path, 0o777); err != nil {
		return err
	}
	_, err := f.client.CoreV1().PersistentVolumes().Create(f.ctx, &core.PersistentVolume{
		ObjectMeta: meta.ObjectMeta{
			Name:        name,
			Annotations: map[string]string{annProvisionedBy: provisioner},
		},
		Spec: core.PersistentVolumeSpec{
			StorageClassName:              *claim.Spec.StorageClassName,
			PersistentVolumeReclaimPolicy: core.PersistentVolumeReclaimDelete,
			AccessModes:                   claim.Spec.AccessModes,
			VolumeMode:                    claim.Spec.VolumeMode,
			Capacity:                      claim.Spec.Resources.Requests,
			ClaimRef: &core.ObjectReference{
				APIVersion: "v1",
				Kind:       "PersistentVolumeClaim",
				Namespace:  claim.Namespace,
				Name:       claim.Name,
				UID:        claim.UID,
			},
			// Of type local, so that the kubelet honours fsGroup.
			PersistentVolumeSource: core.PersistentVolumeSource{
				Local: &core.LocalVolumeSource{Path: path},
			},
			NodeAffinity: onNode(node),
		},
	}, meta.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

// reclaim removes a volume of ours whose claim is gone.
func (f folders) reclaim(volume *core.PersistentVolume) error {
	path := filepath.Join(f.root, volume.Name)
	if volume.Status.Phase != core.VolumeReleased ||
		volume.Annotations[annProvisionedBy] != provisioner ||
		volume.Spec.PersistentVolumeReclaimPolicy != core.PersistentVolumeReclaimDelete ||
		volume.Spec.Local == nil || volume.Spec.Local.Path != path {
		return nil
	}
	if err := os.RemoveAll(path); err != nil {
		return err
	}
	err := f.client.CoreV1().PersistentVolumes().Delete(f.ctx, volume.Name, meta.DeleteOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

func onNode(name string) *core.VolumeNodeAffinity {
	return &core.VolumeNodeAffinity{Required: &core.NodeSelector{
		NodeSelectorTerms: []core.NodeSelectorTerm{{
			MatchExpressions: []core.NodeSelectorRequirement{{
				Key:      core.LabelHostname,
				Operator: core.NodeSelectorOpIn,
				Values:   []string{name},
			}},
		}},
	}}
}
